
import java.util.*; import java.util.concurrent.*; import java.text.*;
public class Work {
  static final SimpleDateFormat F = new SimpleDateFormat("yyyy-MM-dd HH:mm:ss,SSS");
  static synchronized void log(String level, String cls, String msg, Throwable t) {
    System.out.printf("%s %-5s [%s] org.example.%s: %s%n", F.format(new Date()), level, Thread.currentThread().getName(), cls, msg);
    if (t != null) t.printStackTrace(System.out);
  }
  static int digest(byte[] b, int part) { if (part % 97 == 13) throw new IllegalStateException("block checksum differs in part " + part); int h = 1; for (byte x : b) h = 31 * h + x; return h; }
  public static void main(String[] a) throws Exception {
    ExecutorService e = Executors.newFixedThreadPool(4); Random R = new Random(5); List<Future<?>> fs = new ArrayList<>();
    for (int i = 0; i < 450; i++) { final int part = i; final byte[] b = new byte[1000 + R.nextInt(90000)]; R.nextBytes(b);
      fs.add(e.submit(() -> { log("INFO", "shuffle.Fetcher", "Fetching part part-" + String.format("%05d", part) + " of " + b.length + " bytes", null);
        try { int h = digest(b, part); log("INFO", "shuffle.MergeManager", "Merged part part-" + String.format("%05d", part) + ", digest 0x" + Integer.toHexString(h) + ", memory used " + (Runtime.getRuntime().totalMemory() >> 10) + " KB", null);
          if (b.length > 88000) log("WARN", "shuffle.MergeManager", "Part part-" + String.format("%05d", part) + " is larger than 88000 bytes, spilling to disk", null);
        } catch (IllegalStateException x) { log("ERROR", "shuffle.Fetcher", "Could not fetch part-" + String.format("%05d", part), x); } })); }
    for (Future<?> f : fs) f.get(); e.shutdown(); log("INFO", "Work", "Done", null);
  } }
