import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Scanner;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Tells tests what is in a topic, by Kafka's own client, which shares no code with ours.
 *
 * <p>Arguments are settings of the consumer, key=value.  Each line of the input names a topic;
 * the answer is a line of JSON for each record that is visible now, keys and values in base64,
 * then "end", or "error" and why.  One process answers many questions, because a JVM takes
 * longer to start than to answer.
 */
public final class ReadCommitted {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final long DEADLINE_MS = 60_000;

    public static void main(String[] settings) {
        Properties properties = new Properties();
        properties.put("isolation.level", "read_committed");
        properties.put("allow.auto.create.topics", "false");
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "earliest");
        for (String setting : settings) {
            int at = setting.indexOf('=');
            properties.put(setting.substring(0, at), setting.substring(at + 1));
        }
        Scanner topics = new Scanner(System.in);
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            while (topics.hasNextLine()) {
                String topic = topics.nextLine();
                try {
                    read(consumer, topic);
                    System.out.println("end");
                } catch (RuntimeException error) {
                    System.out.println("error " + error.toString().replace('\n', ' '));
                }
                System.out.flush();
            }
        }
    }

    /** All records up to the end as it is now: with read_committed, the last stable offset. */
    private static void read(KafkaConsumer<byte[], byte[]> consumer, String topic) {
        List<TopicPartition> partitions = new ArrayList<>();
        List<PartitionInfo> known = consumer.partitionsFor(topic);
        if (known == null || known.isEmpty()) {
            throw new IllegalStateException("no topic " + topic);
        }
        for (PartitionInfo info : known) {
            partitions.add(new TopicPartition(topic, info.partition()));
        }
        consumer.assign(partitions);
        Map<TopicPartition, Long> rest = new HashMap<>(consumer.endOffsets(partitions));
        consumer.seekToBeginning(partitions);
        long deadline = System.currentTimeMillis() + DEADLINE_MS;
        StringBuilder line = new StringBuilder();
        while (true) {
            // Offsets of transactions' markers have no record, so the position decides.
            rest.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
            if (rest.isEmpty()) {
                return;
            }
            if (System.currentTimeMillis() > deadline) {
                throw new IllegalStateException("did not reach the end of " + rest);
            }
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                Long end = rest.get(new TopicPartition(topic, record.partition()));
                // What came after the question is not part of the answer.
                if (end != null && record.offset() < end) {
                    line.setLength(0);
                    System.out.println(format(line, record));
                }
            }
        }
    }

    private static StringBuilder format(StringBuilder line, ConsumerRecord<byte[], byte[]> record) {
        line.append("{\"partition\":").append(record.partition());
        line.append(",\"offset\":").append(record.offset());
        line.append(",\"timestamp\":").append(record.timestamp());
        line.append(",\"timestamp_type\":\"").append(record.timestampType()).append("\",\"key\":");
        bytes(line, record.key());
        line.append(",\"value\":");
        bytes(line, record.value());
        line.append(",\"headers\":[");
        String comma = "";
        for (Header header : record.headers()) {
            line.append(comma).append('[');
            bytes(line, header.key().getBytes(java.nio.charset.StandardCharsets.UTF_8));
            line.append(',');
            bytes(line, header.value());
            line.append(']');
            comma = ",";
        }
        return line.append("]}");
    }

    private static void bytes(StringBuilder line, byte[] bytes) {
        if (bytes == null) {
            line.append("null");
        } else {
            line.append('"').append(Base64.getEncoder().encodeToString(bytes)).append('"');
        }
    }
}
