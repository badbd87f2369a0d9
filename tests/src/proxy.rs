//! A line that can be cut: stands between the program and its database or broker.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Where a line leads.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// To a unix socket.
    Socket(PathBuf),
    /// To a port of this machine.
    Port(u16),
}

/// Carries TCP connections, as long as nothing is wrong with the line.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    line: Arc<Line>,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing.
    #[default]
    Clear,
    /// Connections end, and none are made.
    Cut,
    /// Connections stand, but nothing passes, and nobody is told.
    Silent,
    /// What is asked arrives; what is answered to pieces that begin so is lost, and with it the
    /// connection.
    Deaf(&'static str),
}

#[derive(Debug, Default)]
struct Line {
    wires: Mutex<Wires>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Wires {
    state: State,
    open: Vec<TcpStream>,
}

impl Proxy {
    /// Listens on a port of its own; it ends with the process.
    pub fn to(upstream: Upstream) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Arc::new(Line::default());
        let shared = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut wires = shared.wires.lock().unwrap();
                if wires.state != State::Cut {
                    wires.open.push(client.try_clone().unwrap());
                    carry(client, &upstream, &shared);
                }
            }
        });
        Self { port, line }
    }

    /// Ends every connection, and lets no new one through.
    pub fn cut(&self) {
        let mut wires = self.line.wires.lock().unwrap();
        wires.state = State::Cut;
        for client in wires.open.drain(..) {
            // It may have ended by itself.
            drop(client.shutdown(Shutdown::Both));
        }
    }

    /// Lets nothing through any more, and tells nobody: as a switch does that lost its power.
    pub fn silence(&self) {
        self.line.wires.lock().unwrap().state = State::Silent;
    }

    /// Lets through what is asked, and ends the connection when the answer comes.
    pub fn lose_answers(&self) {
        self.lose_answers_to("");
    }

    /// As [`Proxy::lose_answers`], only where what is asked begins with `start`.
    pub fn lose_answers_to(&self, start: &'static str) {
        self.line.wires.lock().unwrap().state = State::Deaf(start);
    }

    /// Lets everything through again, what was held back included.
    pub fn heal(&self) {
        self.line.wires.lock().unwrap().state = State::Clear;
        self.line.changed.notify_all();
    }
}

impl Line {
    /// Waits while the line is silent.
    fn pass(&self) {
        let wires = self.wires.lock().unwrap();
        drop(self.changed.wait_while(wires, |wires| wires.state == State::Silent).unwrap());
    }

    /// Waits while the line is silent; tells whether the answer to `asked` gets through.
    fn pass_answer(&self, asked: &Mutex<Vec<u8>>) -> bool {
        self.pass();
        match self.wires.lock().unwrap().state {
            State::Deaf(start) => !asked.lock().unwrap().starts_with(start.as_bytes()),
            State::Clear | State::Cut | State::Silent => true,
        }
    }
}

fn carry(client: TcpStream, upstream: &Upstream, line: &Arc<Line>) {
    match upstream {
        Upstream::Socket(path) => {
            // Who is away upstream is away for the client as well.
            let Ok(server) = UnixStream::connect(path) else { return };
            let other = server.try_clone().unwrap();
            join(client, (server, other), line, |server| drop(server.shutdown(Shutdown::Both)));
        }
        Upstream::Port(port) => {
            let Ok(server) = TcpStream::connect(("127.0.0.1", *port)) else { return };
            let other = server.try_clone().unwrap();
            join(client, (server, other), line, |server| drop(server.shutdown(Shutdown::Both)));
        }
    }
}

/// Carries both ways until either side ends.
fn join<S: Read + Write + Send + 'static>(
    client: TcpStream,
    (server, to_server): (S, S),
    line: &Arc<Line>,
    hang_up: fn(&S),
) {
    let (from_client, one, other) =
        (client.try_clone().unwrap(), Arc::clone(line), Arc::clone(line));
    // What was asked last.
    let asked = Arc::new(Mutex::new(Vec::new()));
    let last = Arc::clone(&asked);
    thread::spawn(move || {
        let to_server = pump(from_client, to_server, |piece| {
            one.pass();
            last.lock().unwrap().clone_from(&piece.to_vec());
            true
        });
        hang_up(&to_server);
    });
    thread::spawn(move || {
        let client = pump(server, client, |_| other.pass_answer(&asked));
        drop(client.shutdown(Shutdown::Both));
    });
}

/// Copies until either side ends, or what came does not pass.
fn pump<W: Write>(mut from: impl Read, mut to: W, pass: impl Fn(&[u8]) -> bool) -> W {
    let mut carry_on = || -> io::Result<bool> {
        let mut piece = [0; 16 * 1024];
        let length = from.read(&mut piece)?;
        if !pass(&piece[..length]) {
            return Ok(false);
        }
        to.write_all(&piece[..length])?;
        Ok(0 < length)
    };
    while carry_on().unwrap_or_default() {}
    to
}
