//! A private Mosquitto.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;

use tempfile::TempDir;

use crate::binary::{Running, free_port, wait_for};
use crate::certificates::Files;
use crate::shared::left_out;

/// A real broker on a port of its own, with the configuration that is shipped.
#[derive(Debug)]
pub struct Mosquitto {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
    process: Option<Running>,
}

/// The configuration that is shipped.
const SHIPPED: &str = include_str!("../../deploy/mosquitto.conf");
const SHIPPED_ACL: &str = include_str!("../../deploy/mosquitto.acl");

impl Mosquitto {
    /// Starts the broker with the configuration that is shipped, open to everybody; `None`, with
    /// one line that says so, where Mosquitto is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(|_, text| {
            text.replace("allow_anonymous false", "allow_anonymous true")
                .replace("password_file", "#password_file")
                .replace("acl_file", "#acl_file")
        })
    }

    /// Starts the broker with its own limits: short queues, and packets of any size.
    pub fn start_small() -> Option<Self> {
        Self::start_with(|_, text| {
            let text = text.replace("allow_anonymous false", "allow_anonymous true");
            ["password_file", "acl_file", "max_inflight", "max_queued", "max_packet"]
                .iter()
                .fold(text, |text, name| text.replace(name, &format!("#{name}")))
        })
    }

    /// Starts the broker with the configuration that is shipped: who comes is asked for a password
    /// and may do what the shipped list allows. `users` are names and passwords.
    pub fn start_guarded(users: &[(&str, &str)]) -> Option<Self> {
        Self::start_with(|folder, text| {
            let file = folder.join("upturn.passwd");
            std::fs::write(&file, "").unwrap();
            for (name, password) in users {
                let mut made = Command::new("mosquitto_passwd");
                made.arg("-b").arg(&file).args([name, password]);
                assert!(made.stderr(Stdio::null()).status().unwrap().success());
            }
            std::fs::write(folder.join("upturn.acl"), SHIPPED_ACL).unwrap();
            text.replace("/etc/mosquitto/upturn", &folder.join("upturn").display().to_string())
        })
    }

    /// Starts the broker with the configuration that is shipped, its listener for TLS in place of
    /// the other one: who comes has to show a certificate, and its name is his.
    pub fn start_with_tls(files: &Files) -> Option<Self> {
        Self::start_with(|folder, text| {
            std::fs::write(folder.join("upturn.acl"), SHIPPED_ACL).unwrap();
            let names = ["listener 8883", "cafile", "certfile", "keyfile", "require_", "use_id"];
            let text = names
                .iter()
                .fold(text.to_owned(), |text, name| text.replace(&format!("#{name}"), name));
            let port = text.split_once("listener ").unwrap().1.split(' ').next().unwrap();
            text.replace(&format!("listener {port} 127.0.0.1\n"), "")
                .replace("listener 8883", &format!("listener {port} 127.0.0.1"))
                .replace("password_file", "#password_file")
                .replace("/etc/mosquitto/upturn", &folder.join("upturn").display().to_string())
                .replace("/etc/mosquitto/certs/devices-ca.pem", &files.ca.display().to_string())
                .replace("/etc/mosquitto/certs/broker.pem", &files.cert.display().to_string())
                .replace("/etc/mosquitto/certs/broker-key.pem", &files.key.display().to_string())
        })
    }

    fn start_with(change: impl FnOnce(&Path, &str) -> String) -> Option<Self> {
        if program().is_none() {
            static SAID: Once = Once::new();
            left_out(&SAID, "Mosquitto; it is not installed");
            return None;
        }
        let (port, folder) = (free_port(), TempDir::new().unwrap());
        let text = SHIPPED
            .replace("listener 1883", &format!("listener {port}"))
            .replace("/var/lib/mosquitto/", &format!("{}/", folder.path().display()));
        // Without it Mosquitto gives up root, and with it the folder.
        let text = format!("{}user root\n", change(folder.path(), &text));
        std::fs::write(folder.path().join("mosquitto.conf"), text).unwrap();
        let mut broker = Self { port, folder, process: None };
        broker.start_again();
        Some(broker)
    }

    /// Returns its number in the system, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Running::id)
    }

    /// Has it forget every session and message; it must not run.
    pub fn forget(&self) {
        std::fs::remove_file(self.folder.path().join("mosquitto.db")).unwrap();
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
