//! Servers that answer anything: bounded, explained, and without our secrets.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{channel, is_later, letter, now, says_no_secret, secret};

const CANARY: &str = "S3CR3T-canary";
/// `upturn:S3CR3T-canary`, as HTTP sends it.
const CANARY_ENCODED: &str = "dXB0dXJuOlMzQ1IzVC1jYW5hcnk=";

/// Listens on a port of its own and answers each connection with `answer`, after what was asked if
/// `echoes`; it ends with the process.
fn answering(answer: Vec<u8>, echoes: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || tell(client, answer, echoes));
        }
    });
    port
}

fn tell(mut client: TcpStream, mut answer: Vec<u8>, echoes: bool) {
    let mut asked = [0; 4_096];
    // Mail servers speak first.
    if answer.starts_with(b"HTTP") {
        let length = client.read(&mut asked).unwrap_or_default();
        if echoes {
            answer.extend_from_slice(&asked[..length]);
        }
    }
    // Who has read enough hangs up.
    drop(client.write_all(&answer));
    drop(client.shutdown(Shutdown::Write));
    drop(client.read(&mut asked));
}

fn http(status: &str, kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}

#[tokio::test]
async fn whatever_a_server_answers_is_bounded_and_explained() {
    let folder = TempDir::new().unwrap();
    let key = secret(&folder, "key", CANARY);
    let settings = |kind: &str, port: u16| -> Value {
        match kind {
            "caldav" => {
                json!({"collection": format!("http://127.0.0.1:{port}/c/"), "user": "upturn",
                               "password_file": key})
            }
            "tryton" => json!({"url": format!("http://127.0.0.1:{port}/db"), "key_file": key}),
            _ => json!({"host": "127.0.0.1", "port": port, "security": "none", "user": "upturn",
                        "password_file": key, "from": "a@example.com", "to": "b@example.com"}),
        }
    };
    let bomb = "<!DOCTYPE m [<!ENTITY a \"x\">]><multistatus xmlns=\"DAV:\">&a;</multistatus>";
    let huge = "x".repeat(3 << 20);
    let away = b"HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/\r\n\r\n".to_vec();
    let echo = |status: &str| http(status, "text/plain", "you said: ");
    let web: [(&str, Vec<u8>, bool, &str); 8] = [
        ("a page", http("200 OK", "text/html", "<html>hello</html>"), false, ""),
        ("a bomb", http("207 Multi-Status", "text/xml", bomb), false, ""),
        ("too much", http("200 OK", "text/plain", &huge), false, "more than"),
        ("another place", away, false, "redirects"),
        ("an error with success", http("200 OK", "application/json", r#"{"error": 1}"#), false, ""),
        ("nothing", b"HTTP".to_vec(), false, "cannot be reached"),
        ("our own words", echo("500 Oops"), true, "500"),
        ("our own words", echo("401 No"), true, "401"),
    ];
    let mail = [
        ("too much", vec![b'x'; 3 << 20]),
        ("too many lines", b"220-more\r\n".repeat(300_000)),
        ("a page", b"<html>hello</html>\r\n".to_vec()),
        ("a refusal", b"554 go away\r\n".to_vec()),
        ("nothing", Vec::new()),
    ];
    let web = ["caldav", "tryton"].into_iter().flat_map(|kind| {
        web.iter()
            .map(move |(case, answer, echoes, says)| (kind, *case, answer.clone(), *echoes, *says))
    });
    let mail = mail.into_iter().map(|(case, answer)| ("email", case, answer, false, ""));
    for (kind, case, answer, echoes, says) in web.chain(mail) {
        let channel = channel(kind, &settings(kind, answering(answer, echoes)));
        let sent = channel.send(&letter("task-amended", "t1", "a"), now()).await;
        for failure in [channel.test(now()).await.unwrap_err(), sent.unwrap_err()] {
            let said = failure.to_string();
            assert!(is_later(&failure), "{kind}, {case}: {failure:?}");
            assert!(said.contains(says) && said.chars().count() < 400, "{kind}, {case}: {said}");
            for secret in [CANARY, CANARY_ENCODED] {
                says_no_secret(secret, &*channel, &failure);
            }
        }
    }
}
