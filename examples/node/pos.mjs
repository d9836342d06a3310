// 收银示例:Node.js 18 以上,不需要任何包。  A POS for Node.js 18 or newer, without packages.
//   BASE=http://127.0.0.1:17216 TOKEN=… node pos.mjs
const BASE = process.env.BASE ?? 'http://127.0.0.1:17216';
const TOKEN = process.env.TOKEN; // api-token of the data folder, or a token of your own
if (!TOKEN) throw new Error('TOKEN is not set');
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// 断线、忙、重启时原样再发;编号相同,不会记两次。
// After a broken connection, and while the agent is busy or restarting, the same
// is sent again: its id is the same, so nothing is done twice.
async function call(method, path, body) {
  let problem;
  for (let attempt = 0; attempt < 8; attempt++) {
    let pause = 100 * 2 ** attempt;
    try {
      const answer = await fetch(BASE + path, {
        method,
        headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(40_000),
      });
      if (answer.ok) return await answer.json();
      problem = `${answer.status} ${await answer.text()}`;
      if (answer.status !== 429 && answer.status < 500) break;
      pause = 1000 * (answer.headers.get('Retry-After') ?? pause / 1000);
    } catch (e) {
      problem = e.cause ?? e;
    }
    await sleep(pause);
  }
  throw new Error(`${method} ${path}: ${problem}`);
}

// 事件流;断了就从最后的编号接着来。  Events; after a break on from the last number.
async function listen(heard, listening, stop) {
  let last = '';
  while (!stop.aborted) {
    try {
      const headers = { Authorization: `Bearer ${TOKEN}` };
      if (last) headers['Last-Event-ID'] = last;
      const stream = await fetch(`${BASE}/v1/events`, { headers, signal: stop });
      let text = '';
      for await (const piece of stream.body.pipeThrough(new TextDecoderStream())) {
        const blocks = (text + piece).split('\n\n'); // 空行:一个事件收全了  a blank line: an event is complete
        text = blocks.pop();
        for (const block of blocks) {
          const field = (name) => block.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1];
          if (field('id')) listening((last = field('id')));
          if (field('data')) heard(JSON.parse(field('data')));
        }
      }
    } catch {
      // 断了  broken off
    }
    await sleep(200);
  }
}

const events = [];
const stop = new AbortController();
await new Promise((listening) => listen((e) => events.push(e), listening, stop.signal));

async function waitEvent(type, saleID) {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
    if (events.some((e) => e.type === type && e.sale_id === saleID)) return console.log('event', type);
  }
  throw new Error(`no ${type} of ${saleID}`);
}

// 卖一单,最多等 5 秒拿开票码  A sale; waits up to 5 s for its QR code
const id = `JS-${Date.now()}-${process.pid}`;
const sale = {
  sale_id: id,
  total: '12.50', // 金额用文本,不用浮点数  money is text, never a float
  items: [{ name: '拿铁咖啡', amount: '12.50', tax_code: '3070401000000000000', tax_rate: '0.06' }],
  payments: [{ method: '微信', amount: '12.50' }],
};
const answer = await call('POST', '/v1/sales?wait=5s', sale);
console.log(`sold ${id}: ${answer.state} ${answer.qr.url}`);

// 没收到答复?原样再发:还是那一单,还是那个码  No answer? The same again is the same sale with the same code
if ((await call('POST', '/v1/sales', sale)).qr.no !== answer.qr.no) throw new Error('another QR code');
console.log('again: the same QR code');
await waitEvent('sale.qr_ready', id);

// 退货:不给金额就是全退  A refund; without an amount it is all of it
const refund = await call('POST', `/v1/sales/${encodeURIComponent(id)}/refunds`, { refund_id: `R-${id}`, reason: 'sales_return' });
console.log(`refund R-${id}: ${refund.path}`);
await waitEvent('refund.done', id);
console.log(`refund R-${id}: ${(await call('GET', `/v1/refunds/R-${id}`)).state}`);
stop.abort();
