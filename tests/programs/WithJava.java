// As `with_curl.sh`, with the HTTP client of the JDK.
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.util.Base64;
import java.util.regex.*;

class WithJava {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        String content = Base64.getEncoder().encodeToString(Files.readAllBytes(Path.of(arguments[0])));
        String body = "{\"base64Data\":\"" + content + "\",\"uploadPath\":\"docs\",\"fileName\":\"a.txt\"}";
        HttpRequest upload = HttpRequest.newBuilder(URI.create("https://kieai.redpandaai.co/api/file-base64-upload"))
            .header("Authorization", "Bearer " + System.getenv("KIE_API_KEY"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)).build();
        String answer = client.send(upload, HttpResponse.BodyHandlers.ofString()).body();
        Matcher link = Pattern.compile("\"downloadUrl\":\"([^\"]+)\"").matcher(answer);
        link.find();
        System.err.println(link.group(1));
        HttpRequest download = HttpRequest.newBuilder(URI.create(link.group(1))).build();
        System.out.write(client.send(download, HttpResponse.BodyHandlers.ofByteArray()).body());
        System.out.flush();
        try {
            HttpRequest other = HttpRequest.newBuilder(URI.create("https://" + arguments[1] + "/")).build();
            System.err.println(client.send(other, HttpResponse.BodyHandlers.ofString()));
        } catch (java.io.IOException error) {
            System.err.println("no answer " + error.getMessage());
        }
    }
}
