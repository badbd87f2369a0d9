//! A private Mosquitto.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;

use tempfile::TempDir;

use crate::binary::{Running, free_port, wait_for};
use crate::shared::left_out;

/// A real broker on a port of its own, with limits that hold a backlog.
#[derive(Debug)]
pub struct Mosquitto {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
    process: Option<Running>,
}

impl Mosquitto {
    /// Starts a broker; `None`, with one line that says so, where Mosquitto is not installed.
    pub fn start() -> Option<Self> {
        if program().is_none() {
            static SAID: Once = Once::new();
            left_out(&SAID, "Mosquitto; it is not installed");
            return None;
        }
        let (port, folder) = (free_port(), TempDir::new().unwrap());
        let settings = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n\
             persistence_location {}/\nmax_inflight_messages 4000\nmax_queued_messages 1000000\n\
             autosave_on_changes false\nuser root\n",
            folder.path().display(),
        );
        std::fs::write(folder.path().join("mosquitto.conf"), settings).unwrap();
        let mut broker = Self { port, folder, process: None };
        broker.start_again();
        Some(broker)
    }

    /// Starts it after [`Mosquitto::stop`]; sessions are as they were.
    pub fn start_again(&mut self) {
        let mut command = Command::new(program().unwrap());
        command.arg("-c").arg(self.folder.path().join("mosquitto.conf"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.process = Some(Running(child));
        let port = self.port;
        wait_for("Mosquitto", || TcpStream::connect(("127.0.0.1", port)).ok());
    }

    /// Stops it as an operator does; what it holds for others is kept on disk.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate();
        }
    }
}

fn program() -> Option<&'static Path> {
    ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"]
        .into_iter()
        .map(Path::new)
        .find(|path| path.exists())
}
