'use strict';
// Reads print jobs with npos, an ESC/POS parser that is not ours, and its GBK
// table (iconv-lite). Arguments: columns of the paper and the job's file, again
// and again. Writes a JSON list: the lines of text at their cells, the QR code
// that the printer draws, and the pictures as PGM files.
const fs = require('fs');
const npos = require('npos');
const iconv = require('iconv-lite');

const { GS } = npos.symbols;
npos.rules[GS]['(k'] = [0, 'd16']; // the one command of ours that npos lacks

const align = (text, cells, columns, how) =>
  ' '.repeat(how === 0 ? 0 : Math.max(0, Math.floor((columns - cells) / (how === 1 ? 2 : 1)))) + text;

function lines(raw, tree, columns) {
  const out = [];
  let how = 0, wide = 1, text = '', cells = 0;
  for (const node of tree) {
    const parameter = raw[node.offset + 2];
    if (node.ascii === 'ESC' && node.fn === 'a') how = parameter;
    if (node.ascii === 'GS' && node.fn === '!') wide = (parameter >> 4) + 1;
    if (node.ascii === 'ESC' && node.fn === '@') { how = 0; wide = 1; }
    if (node.ascii !== 'STX') continue;
    const run = raw.slice(node.offset, node.offset + node.length);
    for (let at = 0, lf; at < run.length; at = lf + 1) {
      lf = run.indexOf(0x0A, at); // the second byte of a pair is never below 0x40
      const part = run.slice(at, lf < 0 ? run.length : lf);
      text += iconv.decode(part, 'gbk');
      cells += part.length * wide;
      if (lf < 0) break;
      out.push({ text: align(text, cells, columns, how), cells });
      text = ''; cells = 0;
    }
  }
  return out;
}

function native(raw, tree) {
  const stored = tree.filter(n => n.fn === '(k' && raw[n.offset + 6] === 0x50);
  return stored.map(n => raw.slice(n.offset + 8, n.offset + 5 + raw.readUInt16LE(n.offset + 3)).toString('latin1'));
}

function pgm(file, image) {
  const edge = 40, w = image.width + 2 * edge, h = image.height + 2 * edge;
  const grey = Buffer.alloc(w * h, 255);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) grey[(y + edge) * w + x + edge] = image.getPixel(x, y) ? 255 : 0;
  }
  fs.writeFileSync(file, Buffer.concat([Buffer.from(`P5\n${w} ${h}\n255\n`), grey]));
  return file;
}

async function main(args) {
  const all = [];
  for (let i = 0; i < args.length; i += 2) {
    const file = args[i + 1];
    const ast = await npos.parser(npos.rules).parse(fs.readFileSync(file));
    const pictures = ast.entries.filter(e => e.type === 'raster').map((e, n) => pgm(`${file}.${n}.pgm`, e.data));
    all.push({ lines: lines(ast.raw, ast.tree, Number(args[i])), native: native(ast.raw, ast.tree), pictures });
  }
  process.stdout.write(JSON.stringify(all));
}

main(process.argv.slice(2)).catch(err => { console.error(err); process.exit(1); });
