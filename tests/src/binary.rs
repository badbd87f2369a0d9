//! The program under test, built once and run as a user runs it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Longer than anything takes that works, so that a test that hangs ends.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Returns the path of the program, built in the profile of the tests.
pub fn path() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        // With the features of the whole workspace, as the tests are built: nothing is built twice.
        cargo.args(["build", "--quiet", "--locked", "--workspace", "--bin", "upturn"]);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        // What cargo tells a test about its package would make others build anew.
        for (name, _) in std::env::vars_os() {
            let is_of_package = |start| name.to_string_lossy().starts_with(start);
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_"].into_iter().any(is_of_package) {
                cargo.env_remove(&name);
            }
        }
        let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
        assert!(status.success(), "the program does not build");
        // This test lies in target/<profile>/deps or target/<profile>, the program in the latter.
        let tests = std::env::current_exe().unwrap();
        let found = tests.ancestors().map(|folder| folder.join("upturn"));
        found.into_iter().find(|path| path.is_file()).expect("the program was built")
    })
}

/// Returns `short`, or `long` where `UPTURN_TEST_LONG` asks for the long run: how often a fault is
/// made, or how much is sent.
pub fn scale(short: usize, long: usize) -> usize {
    if std::env::var_os("UPTURN_TEST_LONG").is_some() { long } else { short }
}

/// Returns a command that runs the program, free of the surrounding settings.
pub fn upturn<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    command(path(), arguments)
}

/// As [`upturn`], with another build of it.
pub fn command<A: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

/// Runs `command` with `input` on its standard input, to its end.
pub fn run(mut command: Command, input: &str) -> Output {
    let pipes = [Stdio::piped(), Stdio::piped(), Stdio::piped()];
    let [stdin, stdout, stderr] = pipes;
    let mut child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn().unwrap();
    // A program that reads no input may have closed it.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

/// Calls `probe` until it returns something.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns a port that was free a moment ago, and that this process was not given before: the system
/// may offer one again as soon as nobody listens.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

/// A process that ends with its owner.
#[derive(Debug)]
pub struct Running(pub Child);

impl Running {
    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        self.0.wait().unwrap();
    }

    /// Returns its number in the system.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Returns whether it runs still.
    pub fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Returns how much memory it has in use, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib * 1024
    }

    /// Asks it to read its files again.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Stops it in the middle of whatever it does.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on, as if nothing had been.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Asks it to stop and returns its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("-TERM");
        self.0.wait().unwrap().code()
    }

    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
