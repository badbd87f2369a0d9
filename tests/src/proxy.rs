//! A connection that can be cut: stands between the program and its PostgreSQL.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

/// Carries TCP connections to a server's unix socket, as long as it is not cut.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    line: Arc<Mutex<Line>>,
}

#[derive(Debug, Default)]
struct Line {
    is_cut: bool,
    open: Vec<TcpStream>,
}

impl Proxy {
    /// Listens on a port of its own; it ends with the process.
    pub fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Arc::new(Mutex::new(Line::default()));
        let shared = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut line = shared.lock().unwrap();
                if !line.is_cut {
                    line.open.push(client.try_clone().unwrap());
                    carry(client, UnixStream::connect(&socket).unwrap());
                }
            }
        });
        Self { port, line }
    }

    /// Ends every connection, and lets no new one through.
    pub fn cut(&self) {
        let mut line = self.line.lock().unwrap();
        line.is_cut = true;
        for client in line.open.drain(..) {
            // It may have ended by itself.
            drop(client.shutdown(Shutdown::Both));
        }
    }

    /// Lets connections through again.
    pub fn heal(&self) {
        self.line.lock().unwrap().is_cut = false;
    }
}

fn carry(client: TcpStream, server: UnixStream) {
    let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        pump(from_client, &to_server);
        drop(to_server.shutdown(Shutdown::Both));
    });
    thread::spawn(move || {
        pump(server, &client);
        drop(client.shutdown(Shutdown::Both));
    });
}

/// Copies until either side ends.
fn pump(mut from: impl Read, mut to: impl Write) {
    drop(std::io::copy(&mut from, &mut to));
}
