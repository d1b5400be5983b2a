import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Somebody else's program that writes to Kafka: the demo's taxi rides, as JSON, keyed by the city.
 *
 * <p>Arguments: bootstrap servers, topic, records a second.  Runs until it is killed.
 */
public final class Rides {
    private static final String[] CITIES = {"Lisbon", "Nairobi", "Osaka", "Quito", "Riga", "Sydney"};
    private static final int DRIVERS = 200;

    public static void main(String[] arguments) throws InterruptedException {
        String topic = arguments[1];
        long pauseNanos = 1_000_000_000L / Long.parseLong(arguments[2]);
        Properties properties = new Properties();
        properties.put("bootstrap.servers", arguments[0]);
        properties.put("acks", "all");
        properties.put("linger.ms", "20");
        Random random = new Random();
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
            // Ids of several runs do not meet.
            long id = System.currentTimeMillis() * 1000;
            long due = System.nanoTime();
            while (true) {
                String city = CITIES[(int) Math.min(CITIES.length - 1, Math.abs(random.nextGaussian()) * 2)];
                producer.send(new ProducerRecord<>(topic, city, ride(id++, city, random)));
                due += pauseNanos;
                long wait = due - System.nanoTime();
                if (wait > 0) {
                    Thread.sleep(wait / 1_000_000, (int) (wait % 1_000_000));
                }
            }
        }
    }

    private static String ride(long id, String city, Random random) {
        double km = 0.5 + Math.abs(random.nextGaussian()) * 6;
        return String.format(
                Locale.ROOT,
                "{\"ride\":%d,\"driver\":%d,\"city\":\"%s\",\"km\":%.1f,\"fare\":%.2f,\"at\":\"%s\"}",
                id,
                1 + random.nextInt(DRIVERS),
                city,
                km,
                2.5 + km * 1.4,
                Instant.now().truncatedTo(ChronoUnit.MILLIS));
    }
}
