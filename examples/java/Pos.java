// 收银示例:Java 11 以上,不需要任何库。  A POS for Java 11 or newer, without libraries.
//   BASE=http://127.0.0.1:17216 TOKEN=… java Pos.java
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Pos {
    static final String BASE = System.getenv().getOrDefault("BASE", "http://127.0.0.1:17216");
    static final String TOKEN = System.getenv("TOKEN"); // api-token of the data folder, or a token of your own
    // 本机用 HTTP/1.1 直连,不走代理  HTTP/1.1 and never through a proxy
    static final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY)
            .connectTimeout(Duration.ofSeconds(5)).build();

    static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(BASE + path)).header("Authorization", "Bearer " + TOKEN).header("Content-Type", "application/json");
    }

    /**
     * 断线、忙、重启时原样再发;编号相同,不会记两次。
     * After a broken connection, and while the agent is busy or restarting, the
     * same is sent again: its id is the same, so nothing is done twice.
     */
    static String call(String method, String path, String body) throws InterruptedException {
        String problem = "";
        for (int attempt = 0; attempt < 8; attempt++) {
            long pause = 100L << attempt;
            try {
                HttpResponse<String> answer = http.send(request(path).timeout(Duration.ofSeconds(40))
                        .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
                if (answer.statusCode() / 100 == 2) {
                    return answer.body();
                }
                problem = answer.statusCode() + " " + answer.body();
                if (answer.statusCode() != 429 && answer.statusCode() < 500) {
                    break;
                }
                pause = 1000 * answer.headers().firstValueAsLong("Retry-After").orElse(1);
            } catch (IOException e) {
                problem = e.toString();
            }
            Thread.sleep(pause);
        }
        throw new IllegalStateException(method + " " + path + ": " + problem);
    }

    /** 取第一个文本字段;实际项目请用 JSON 库。  The first text field; use a JSON library in earnest. */
    static String field(String json, String name) {
        Matcher m = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
        return m.find() ? m.group(1) : "";
    }

    static final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    static final CountDownLatch listening = new CountDownLatch(1);

    /** 事件流;断了就从最后的编号接着来。  Events; after a break on from the last number. */
    static void listen() {
        String last = "";
        while (true) {
            String number = "";
            String data = "";
            HttpRequest.Builder r = request("/v1/events");
            if (!last.isEmpty()) {
                r.header("Last-Event-ID", last);
            }
            try (BufferedReader stream = new BufferedReader(
                    new InputStreamReader(http.send(r.build(), BodyHandlers.ofInputStream()).body(), StandardCharsets.UTF_8))) {
                for (String line = stream.readLine(); line != null; line = stream.readLine()) {
                    if (line.startsWith("id: ")) {
                        number = line.substring(4);
                    } else if (line.startsWith("data: ")) {
                        data = line.substring(6);
                    } else if (line.isEmpty() && !number.isEmpty()) { // 空行:这个事件收全了  a blank line: the event is complete
                        last = number;
                        listening.countDown();
                        if (!data.isEmpty()) {
                            events.add(data);
                        }
                        number = data = "";
                    }
                }
            } catch (IOException e) {
                // 断了  broken off
            } catch (InterruptedException e) {
                return;
            }
            try {
                Thread.sleep(200);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    static void waitEvent(String type, String saleID) throws InterruptedException {
        while (true) {
            String event = events.poll(30, TimeUnit.SECONDS);
            if (event == null) {
                throw new IllegalStateException("no " + type + " of " + saleID);
            }
            if (field(event, "sale_id").equals(saleID)) {
                System.out.println("event " + field(event, "type"));
                if (field(event, "type").equals(type)) {
                    return;
                }
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Thread listener = new Thread(Pos::listen);
        listener.setDaemon(true);
        listener.start();
        if (!listening.await(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("no event stream");
        }

        // 卖一单,最多等 5 秒拿开票码  A sale; waits up to 5 s for its QR code
        String id = "JAVA-" + System.currentTimeMillis();
        String sale = "{\"sale_id\":\"" + id + "\",\"total\":\"12.50\",\"items\":[{\"name\":\"\u62ff\u94c1\u5496\u5561\",\"amount\":\"12.50\","
                + "\"tax_code\":\"3070401000000000000\",\"tax_rate\":\"0.06\"}],\"payments\":[{\"method\":\"\u5fae\u4fe1\",\"amount\":\"12.50\"}]}";
        String answer = call("POST", "/v1/sales?wait=5s", sale);
        System.out.println("sold " + id + ": " + field(answer, "state") + " " + field(answer, "url"));

        // 没收到答复?原样再发:还是那一单,还是那个码  No answer? The same again is the same sale with the same code
        if (!field(call("POST", "/v1/sales", sale), "no").equals(field(answer, "no"))) {
            throw new IllegalStateException("another QR code");
        }
        System.out.println("again: the same QR code");
        waitEvent("sale.qr_ready", id);

        // 退货:不给金额就是全退  A refund; without an amount it is all of it
        String path = "/v1/sales/" + URLEncoder.encode(id, StandardCharsets.UTF_8);
        String refund = call("POST", path + "/refunds", "{\"refund_id\":\"R-" + id + "\",\"reason\":\"sales_return\"}");
        System.out.println("refund R-" + id + ": " + field(refund, "path"));
        waitEvent("refund.done", id);
        System.out.println("refund R-" + id + ": " + field(call("GET", "/v1/refunds/R-" + id, null), "state"));
    }
}
