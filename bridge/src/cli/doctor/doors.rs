//! Checks of the addresses Upturn listens at: free, or taken by Upturn itself.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Check, Outcome};

/// How long whoever took the address may think about our question.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// What only a server of health pages answers with 200 or 503.
const QUESTION: &[u8] = b"GET /readyz HTTP/1.0\r\n\r\n";

/// Whether an address can be listened at.
#[derive(Clone, Copy, Debug)]
pub(super) struct DoorCheck {
    /// What the check is called.
    pub(super) name: &'static str,
    /// The address.
    pub(super) at: SocketAddr,
    /// Where Upturn's pages are, if it runs.
    pub(super) web: SocketAddr,
}

#[async_trait]
impl Check for DoorCheck {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn run(&self) -> Outcome {
        let at = self.at;
        let error = match TcpListener::bind(at).await {
            Ok(_) if at.ip().is_loopback() => return Outcome::ok(format!("{at} is free")),
            Ok(_) => {
                let found = format!("{at} is free and open to other machines");
                return Outcome::warn(found, "see that a firewall or proxy stands before it");
            }
            Err(error) => error,
        };
        let is_taken = error.kind() == io::ErrorKind::AddrInUse;
        if is_taken && upturn_answers(self.web).await {
            return Outcome::ok(format!("{at} is taken, by Upturn as it seems: it runs"));
        }
        let advice = if is_taken {
            "stop whoever listens there, or choose another port"
        } else if error.kind() == io::ErrorKind::PermissionDenied {
            "choose a port from 1024 on, or allow this one"
        } else {
            "choose an address that this machine has"
        };
        Outcome::fail(format!("{at} cannot be listened at: {error}"), advice)
    }
}

/// Returns whether somebody at `web` knows how Upturn is asked for its health.
async fn upturn_answers(web: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(web).await?;
        stream.write_all(QUESTION).await?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await?;
        io::Result::Ok(head)
    };
    let answer = timeout(ANSWER_LIMIT, asked).await;
    // Ready or not, as long as it is an answer to the question.
    answer
        .is_ok_and(|head| head.is_ok_and(|head| head.ends_with(b" 200") || head.ends_with(b" 503")))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    use tokio_util::task::TaskTracker;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    /// Answers everybody with `answer`.
    async fn server(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind(ANY).await.unwrap();
        let at = listener.local_addr().unwrap();
        TaskTracker::new().spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.read_exact(&mut [0; QUESTION.len()]).await.ok();
                stream.write_all(answer).await.ok();
            }
        });
        at
    }

    #[tokio::test]
    async fn an_address_is_free_or_ours_or_taken() {
        let upturn = server(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").await;
        let other = server(b"HTTP/1.1 404 Not Found\r\n\r\n").await;
        let silent = server(b"").await;
        let of_nobody: SocketAddr = "203.0.113.1:0".parse().unwrap();
        let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
        let cases = [
            ("free", ANY, upturn, Verdict::Ok),
            ("free and open", everywhere, upturn, Verdict::Warn),
            ("taken by Upturn's pages", upturn, upturn, Verdict::Ok),
            ("taken by Upturn's broker", silent, upturn, Verdict::Ok),
            ("taken by another server", other, other, Verdict::Fail),
            ("taken by who knows", silent, silent, Verdict::Fail),
            ("not of this machine", of_nobody, upturn, Verdict::Fail),
        ];
        for (name, at, web, expected) in cases {
            let outcome = DoorCheck { name: "web port", at, web }.run().await;
            assert_eq!(outcome.verdict, expected, "case: {name}: {outcome:?}");
        }
    }
}
