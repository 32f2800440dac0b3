// The stock Java client in the room of the second argument, at the address of the first. Says what happens to it a line
// each, and publishes each line of its input, given as hexadecimal digits. Ends with its input.

import io.github.centrifugal.centrifuge.*;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;

public class Client {
    static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    public static void main(String[] args) throws Exception {
        Options options = new Options();
        options.setMinReconnectDelay(50);
        options.setMaxReconnectDelay(200);
        var client = new io.github.centrifugal.centrifuge.Client(args[0], options, new EventListener() {
            @Override
            public void onConnected(io.github.centrifugal.centrifuge.Client client, ConnectedEvent event) {
                say("connected");
            }

            @Override
            public void onConnecting(io.github.centrifugal.centrifuge.Client client, ConnectingEvent event) {
                say("connecting " + event.getCode());
            }
        });
        Subscription room = client.newSubscription(args[1], new SubscriptionEventListener() {
            @Override
            public void onSubscribed(Subscription room, SubscribedEvent event) {
                say("subscribed " + (event.wasRecovering() ? event.getRecovered() ? "recovered" : "lost" : "new"));
            }

            @Override
            public void onPublication(Subscription room, PublicationEvent event) {
                say("publication " + event.getOffset() + " " + HexFormat.of().formatHex(event.getData()));
            }
        });
        room.subscribe();
        client.connect();
        var input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            room.publish(HexFormat.of().parseHex(line), (error, done) -> say(error == null ? "published" : "refused " + error));
        }
        client.close(5_000);
        System.exit(0);
    }
}
