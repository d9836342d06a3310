// 收银示例:.NET Framework 4.6.1 以上、.NET 8 以上或 Mono,不需要任何包。
// A POS for .NET Framework 4.6.1, .NET 8 or Mono, or newer, without packages.
//   .NET 8:          BASE=http://127.0.0.1:17216 TOKEN=… dotnet run
//   .NET Framework:  csc -r:System.Net.Http.dll -r:System.Web.Extensions.dll Pos.cs   (Mono: mcs)
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

static class Pos
{
    static readonly string Base = Environment.GetEnvironmentVariable("BASE") ?? "http://127.0.0.1:17216";
    // api-token of the data folder, or a token of your own
    static readonly string Token = Environment.GetEnvironmentVariable("TOKEN");
    // 本机,不走代理  never through a proxy
    static readonly HttpClient Http = new HttpClient(new HttpClientHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };

    // JSON 的读写:两种 .NET 各自带的  JSON with what each .NET brings
#if NET
    static string ToJson(object value)
    {
        return System.Text.Json.JsonSerializer.Serialize(value);
    }

    static string Field(string json, params string[] path)
    {
        using (var document = System.Text.Json.JsonDocument.Parse(json))
        {
            var value = document.RootElement;
            foreach (var name in path)
                value = value.GetProperty(name);
            return value.ToString();
        }
    }
#else
    static string ToJson(object value)
    {
        return new System.Web.Script.Serialization.JavaScriptSerializer().Serialize(value);
    }

    static string Field(string json, params string[] path)
    {
        var value = new System.Web.Script.Serialization.JavaScriptSerializer().DeserializeObject(json);
        foreach (var name in path)
            value = ((IDictionary<string, object>)value)[name];
        return Convert.ToString(value);
    }
#endif

    static HttpRequestMessage Request(HttpMethod method, string path)
    {
        var r = new HttpRequestMessage(method, Base + path);
        r.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return r;
    }

    static bool IsBroken(Exception e)
    {
        return e is HttpRequestException || e is OperationCanceledException || e is IOException || e is WebException;
    }

    // 断线、忙、重启时原样再发;编号相同,不会记两次。
    // After a broken connection, and while the agent is busy or restarting, the
    // same is sent again: its id is the same, so nothing is done twice.
    static async Task<string> Call(HttpMethod method, string path, string body = null)
    {
        var problem = "";
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var pause = TimeSpan.FromMilliseconds(100 << attempt);
            try
            {
                using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(40)))
                using (var request = Request(method, path))
                {
                    if (body != null)
                        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
                    using (var answer = await Http.SendAsync(request, limit.Token))
                    {
                        var text = await answer.Content.ReadAsStringAsync();
                        if (answer.IsSuccessStatusCode)
                            return text;
                        problem = (int)answer.StatusCode + " " + text;
                        if ((int)answer.StatusCode != 429 && (int)answer.StatusCode < 500)
                            break;
                        if (answer.Headers.RetryAfter != null && answer.Headers.RetryAfter.Delta.HasValue)
                            pause = answer.Headers.RetryAfter.Delta.Value;
                    }
                }
            }
            catch (Exception e) when (IsBroken(e))
            {
                problem = e.Message;
            }
            await Task.Delay(pause);
        }
        throw new InvalidOperationException(method + " " + path + ": " + problem);
    }

    static readonly BlockingCollection<string> Events = new BlockingCollection<string>(); // 事件的 JSON  as JSON
    static readonly ManualResetEventSlim Listening = new ManualResetEventSlim();

    // 事件流;断了就从最后的编号接着来。  Events; after a break on from the last number.
    static async Task Listen()
    {
        var last = "";
        while (true)
        {
            string number = "", data = "";
            try
            {
                using (var request = Request(HttpMethod.Get, "/v1/events"))
                {
                    if (last != "")
                        request.Headers.Add("Last-Event-ID", last);
                    using (var answer = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
                    using (var stream = new StreamReader(await answer.Content.ReadAsStreamAsync(), Encoding.UTF8))
                    {
                        string line;
                        while ((line = await stream.ReadLineAsync()) != null)
                        {
                            if (line.StartsWith("id: ", StringComparison.Ordinal))
                                number = line.Substring(4);
                            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                                data = line.Substring(6);
                            else if (line == "" && number != "") // 空行:这个事件收全了  a blank line: the event is complete
                            {
                                last = number;
                                Listening.Set();
                                if (data != "")
                                    Events.Add(data);
                                number = data = "";
                            }
                        }
                    }
                }
            }
            catch (Exception e) when (IsBroken(e))
            {
                // 断了  broken off
            }
            await Task.Delay(200);
        }
    }

    static void WaitEvent(string type, string saleId)
    {
        string e;
        while (Events.TryTake(out e, TimeSpan.FromSeconds(30)))
        {
            if (Field(e, "sale_id") != saleId)
                continue;
            Console.WriteLine("event " + Field(e, "type"));
            if (Field(e, "type") == type)
                return;
        }
        throw new InvalidOperationException("no " + type + " of " + saleId);
    }

    static async Task Sell()
    {
        // 卖一单,最多等 5 秒拿开票码  A sale; waits up to 5 s for its QR code
        var id = "CS-" + DateTime.Now.ToString("yyyyMMddHHmmss") + "-" + Process.GetCurrentProcess().Id;
        var sale = ToJson(new
        {
            sale_id = id,
            total = "12.50", // 金额用文本,不用浮点数  money is text, never a float
            items = new[] { new { name = "拿铁咖啡", amount = "12.50", tax_code = "3070401000000000000", tax_rate = "0.06" } },
            payments = new[] { new { method = "微信", amount = "12.50" } },
        });
        var answer = await Call(HttpMethod.Post, "/v1/sales?wait=5s", sale);
        Console.WriteLine("sold " + id + ": " + Field(answer, "state") + " " + Field(answer, "qr", "url"));

        // 没收到答复?原样再发:还是那一单,还是那个码  No answer? The same again is the same sale with the same code
        var again = await Call(HttpMethod.Post, "/v1/sales", sale);
        if (Field(again, "qr", "no") != Field(answer, "qr", "no"))
            throw new InvalidOperationException("another QR code");
        Console.WriteLine("again: the same QR code");
        WaitEvent("sale.qr_ready", id);

        // 退货:不给金额就是全退  A refund; without an amount it is all of it
        var path = "/v1/sales/" + Uri.EscapeDataString(id);
        var refund = await Call(HttpMethod.Post, path + "/refunds", ToJson(new { refund_id = "R-" + id, reason = "sales_return" }));
        Console.WriteLine("refund R-" + id + ": " + Field(refund, "path"));
        WaitEvent("refund.done", id);
        Console.WriteLine("refund R-" + id + ": " + Field(await Call(HttpMethod.Get, "/v1/refunds/R-" + id), "state"));
    }

    static void Main()
    {
        if (string.IsNullOrEmpty(Token))
            throw new InvalidOperationException("TOKEN is not set");
#if !NET
        ServicePointManager.DefaultConnectionLimit = 8;  // 事件流占着一个连接  the event stream keeps one of them
        ServicePointManager.Expect100Continue = false;
#endif
        Console.OutputEncoding = new UTF8Encoding(false);
        Task.Run((Func<Task>)Listen);
        if (!Listening.Wait(TimeSpan.FromSeconds(30)))
            throw new InvalidOperationException("no event stream");
        Task.Run((Func<Task>)Sell).GetAwaiter().GetResult();
    }
}
