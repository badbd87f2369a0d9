//! Processor time, rates and memory, as they are printed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use upturn_tests::binary::upturn;

use super::job::Job;

pub(super) type Failure = Box<dyn std::error::Error>;

/// How fast something went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Events by the clock.
    pub(super) per_second: f64,
}

/// What is measured: from its making on, the clock and the processor time of one process.
#[derive(Debug)]
pub(super) struct Meter {
    began: Instant,
    before_s: f64,
    file: String,
}

impl Meter {
    /// Measures the process `pid`.
    pub(super) fn of(pid: u32) -> Result<Self, Failure> {
        let file = format!("/proc/{pid}/stat");
        Ok(Self { before_s: cpu_s(&file, 13)?, began: Instant::now(), file })
    }

    /// Prints what `count` events have cost.
    pub(super) fn report(&self, name: &str, count: usize, found: &str) -> Result<Rate, Failure> {
        let wall_s = self.began.elapsed().as_secs_f64();
        Ok(report(name, count, found, cpu_s(&self.file, 13)? - self.before_s, wall_s))
    }
}

/// Back-tests `job`.
pub(super) fn backtest(job: &Job) -> Result<(), Failure> {
    let mut command = upturn(["backtest", "--json", "--rules"]);
    command.arg(&job.rule_file).arg("--events").arg(&job.events_file).stdout(Stdio::piped());
    // What is waited for is added to the time of the children.
    let (began, before_s) = (Instant::now(), cpu_s("/proc/self/stat", 15)?);
    let output = command.output()?;
    let (wall_s, after_s) = (began.elapsed().as_secs_f64(), cpu_s("/proc/self/stat", 15)?);
    let tasks = String::from_utf8(output.stdout)?.lines().count();
    report(
        "back-test",
        job.messages.len(),
        &format!(", {tasks} tasks"),
        after_s - before_s,
        wall_s,
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn report(name: &str, events: usize, found: &str, cpu_s: f64, wall_s: f64) -> Rate {
    let events_f = events as f64;
    say(&format!(
        "{name}: {events} events{found}, {:.2} µs CPU an event, {:.0} a second by the clock",
        cpu_s * 1e6 / events_f,
        events_f / wall_s,
    ));
    Rate { per_second: events_f / wall_s }
}

/// Reads two neighbouring fields of a `stat` file, in ticks of a hundredth of a second.
pub(super) fn cpu_s(path: &str, first: usize) -> Result<f64, Failure> {
    let text = std::fs::read_to_string(path)?;
    // The name of the program may hold blanks; what follows its bracket is field 3.
    let rest = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let fields: Vec<&str> = rest.split_whitespace().skip(first - 2).take(2).collect();
    let ticks: f64 = fields.iter().map(|ticks| ticks.parse::<f64>().unwrap_or_default()).sum();
    Ok(ticks / 100.0)
}

/// Returns the processor time that the threads of `pid` have used, as the scheduler counts it.
pub(super) fn cpu_of_threads(pid: u32) -> Result<Duration, Failure> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let first = text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
        nanoseconds += first.unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Returns the most memory that `pid` has had in use.
pub(super) fn peak(pid: u32) -> Result<String, Failure> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(format!("{:.0} MiB", kib / 1024.0))
}

/// Prints the load of the machine.
pub(super) fn say_load() -> Result<(), Failure> {
    say(&format!("load average {}", std::fs::read_to_string("/proc/loadavg")?.trim()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a bench prints")]
pub(super) fn say(line: &str) {
    println!("{line}");
}
