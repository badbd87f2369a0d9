//! A source of facts: a server that answers every question with its document of the moment.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A source that answers every question with its document of the moment, and counts them.
#[derive(Debug)]
pub struct Source {
    /// Where it listens on this machine.
    pub port: u16,
    body: Arc<Mutex<Vec<u8>>>,
    asked: Arc<AtomicUsize>,
}

impl Source {
    /// Starts one that answers with `body`. Ends with the process.
    pub fn start(body: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (body, asked) = (Arc::new(Mutex::new(body.into())), Arc::new(AtomicUsize::new(0)));
        let (of_moment, count) = (Arc::clone(&body), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                let body = of_moment.lock().unwrap().clone();
                answer(stream, &body);
            }
        });
        Self { port, body, asked }
    }

    /// Answers with `body` from now on.
    pub fn says(&self, body: impl Into<Vec<u8>>) {
        *self.body.lock().unwrap() = body.into();
    }

    /// Returns how often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: TcpStream, body: &[u8]) {
    let mut question = Vec::new();
    let mut piece = [0; 1024];
    while !question.ends_with(b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(count) => question.extend_from_slice(&piece[..count]),
        }
    }
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    // Whoever asked may have gone.
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).ok();
}
