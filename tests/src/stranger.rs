//! A server that answers whatever a test wants, also what no server should.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was asked over HTTP.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The first line and the headers.
    pub head: String,
    /// The rest.
    pub body: String,
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, but not so soon.
    Late(Duration, Vec<u8>),
    /// Nothing, as long as the other side waits.
    Nothing,
    /// This many bytes, as fast as the other side takes them.
    Flood(u64),
}

/// Such a server, on a port of its own; it ends with the process.
#[derive(Clone, Debug)]
pub struct Stranger {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    waiting: Arc<AtomicUsize>,
}

impl Stranger {
    /// Answers each request over HTTP by `answer`.
    pub fn http(answer: impl Fn(&Asked) -> Reply + Clone + Send + 'static) -> Self {
        Self::listen(move |client, stranger| {
            let Some(asked) = read_request(client) else { return };
            stranger.asked.lock().unwrap().push(asked.clone());
            stranger.waiting.fetch_add(1, Ordering::SeqCst);
            reply(client, answer(&asked));
            stranger.waiting.fetch_sub(1, Ordering::SeqCst);
        })
    }

    /// Greets as a mail server, and refuses every line with the line itself.
    pub fn mail() -> Self {
        Self::listen(|client, _| {
            drop(client.write_all(b"220 here\r\n"));
            let mut line = Vec::new();
            let mut byte = [0];
            while matches!(client.read(&mut byte), Ok(1)) {
                line.extend_from_slice(&byte);
                if byte != *b"\n" {
                    continue;
                }
                let said = String::from_utf8_lossy(&line).trim().to_owned();
                let answer = if said.starts_with("EHLO") {
                    "250-here\r\n250 AUTH PLAIN LOGIN\r\n".to_owned()
                } else {
                    format!("535 you said {said}\r\n")
                };
                drop(client.write_all(answer.as_bytes()));
                line.clear();
            }
        })
    }

    /// Sends back every byte as it comes.
    pub fn echo() -> Self {
        Self::listen(|client, _| {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = client.read(&mut bytes) {
                drop(client.write_all(&bytes[..count]));
            }
        })
    }

    fn listen(talk: impl Fn(&mut TcpStream, &Self) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stranger = Self { port, asked: Arc::default(), waiting: Arc::default() };
        let shared = stranger.clone();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let (talk, shared) = (talk.clone(), shared.clone());
                thread::spawn(move || talk(&mut client, &shared));
            }
        });
        stranger
    }

    /// Returns what was asked so far, in the order of its coming.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Returns how many requests have no whole answer yet.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }
}

/// Returns a whole answer over HTTP.
pub fn answer(status: &str, kind: &str, body: &str) -> Reply {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n");
    Reply::Bytes(format!("{head}Connection: close\r\n\r\n{body}").into_bytes())
}

fn read_request(client: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = length.map_or(0, |length| length.trim().parse().unwrap());
            if length <= body.len() {
                return Some(Asked { head: head.to_owned(), body: body.to_owned() });
            }
        }
        match client.read(&mut part) {
            Ok(count @ 1..) => bytes.extend_from_slice(&part[..count]),
            Ok(0) | Err(_) => return None,
        }
    }
}

fn reply(client: &mut TcpStream, reply: Reply) {
    // Who has read enough hangs up.
    match reply {
        Reply::Bytes(bytes) => drop(client.write_all(&bytes)),
        Reply::Late(pause, bytes) => {
            thread::sleep(pause);
            drop(client.write_all(&bytes));
        }
        Reply::Nothing => {
            let mut rest = [0; 64];
            while matches!(client.read(&mut rest), Ok(1..)) {}
        }
        Reply::Flood(mut left) => {
            let part = vec![b'x'; 1 << 16];
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n");
            drop(client.write_all(head.as_bytes()));
            while 0 < left && client.write_all(&part).is_ok() {
                left = left.saturating_sub(1 << 16);
            }
        }
    }
    drop(client.shutdown(Shutdown::Both));
}
