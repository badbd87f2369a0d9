//! A device that is not written by us: Mosquitto's own publisher.

use std::process::{Command, Stdio};

use crate::certificates::Files;

/// Who publishes, and how.
#[derive(Clone, Copy, Debug)]
pub struct Device<'d> {
    /// Where, on 127.0.0.1.
    pub port: u16,
    /// Its client id.
    pub id: &'d str,
    /// `5` or `311`.
    pub version: &'d str,
    /// Its certificate, its key, and the authority that it trusts.
    pub files: Option<&'d Files>,
    /// Its name and password.
    pub login: Option<(&'d str, &'d str)>,
}

impl<'d> Device<'d> {
    /// Returns a device that shows no certificate, speaking MQTT 5.
    pub fn new(port: u16, id: &'d str) -> Self {
        Self { port, id, version: "5", files: None, login: None }
    }

    /// Publishes at QoS 0, 1 or 2; returns whether all went well.
    pub fn publishes(&self, topic: &str, quality: u8, payload: &str) -> bool {
        self.publishes_within("30", topic, quality, payload)
    }

    /// Publishes at QoS 1; returns whether it is not let in, or its publish never acknowledged.
    ///
    /// The publisher tries again for ever, so this takes a while.
    pub fn is_refused(&self, topic: &str, payload: &str) -> bool {
        !self.publishes_within("4", topic, 1, payload)
    }

    fn publishes_within(&self, limit_s: &str, topic: &str, quality: u8, payload: &str) -> bool {
        let mut command = Command::new("timeout");
        command.args([limit_s, "mosquitto_pub", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command.args(["-i", self.id, "-V", self.version, "-q", &quality.to_string()]);
        command.args(["-t", topic, "-m", payload]);
        if let Some(Files { cert, key, ca }) = self.files {
            command.arg("--cafile").arg(ca).arg("--cert").arg(cert).arg("--key").arg(key);
        }
        if let Some((name, password)) = self.login {
            command.args(["-u", name, "-P", password]);
        }
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.expect("mosquitto_pub is installed").success()
    }
}
