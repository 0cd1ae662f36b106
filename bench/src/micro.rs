//! Processor time of one thread, for what is measured in this process.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Processor time spent on each figure, in seconds.
const SPEND: f64 = 0.3;

/// Prints one row: a name, and the mean of one call in microseconds.
pub fn report(name: &str, work: impl FnMut()) {
    println!("| {name} | {:.2} |", per_call(work));
}

/// Mean microseconds of one call.
pub fn per_call(mut work: impl FnMut()) -> f64 {
    (0..5).for_each(|_| work());
    let (start, mut times) = (cpu_seconds(), 0.0);
    loop {
        (0..5).for_each(|_| work());
        times += 5.0;
        let spent = cpu_seconds() - start;
        if spent > SPEND {
            return spent * 1e6 / times;
        }
    }
}

/// Time since the first call.
pub fn stopwatch() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// Seconds for which this thread has run; wall-clock time where the kernel does not tell.
fn cpu_seconds() -> f64 {
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = ran.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    ran.map_or_else(
        || stopwatch().as_secs_f64(),
        |nanoseconds| nanoseconds / 1e9,
    )
}
