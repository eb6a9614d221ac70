import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

/** Asks a URL once by each of Java's own HTTP clients and prints both statuses. Knows nothing of a proxy or of roots: its environment does. */
class Ask {
  public static void main(String[] said) throws Exception {
    var url = URI.create(said[0]);
    var bearer = "Bearer " + System.getenv("AFFIDAVIT_TOKEN");
    var request =
        HttpRequest.newBuilder(url)
            .header("authorization", bearer)
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(said[1]))
            .build();
    System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    var older = (HttpURLConnection) url.toURL().openConnection();
    older.setRequestProperty("authorization", bearer);
    older.setRequestProperty("content-type", "application/json");
    older.setDoOutput(true);
    older.getOutputStream().write(said[1].getBytes(StandardCharsets.UTF_8));
    System.out.println(older.getResponseCode());
  }
}
