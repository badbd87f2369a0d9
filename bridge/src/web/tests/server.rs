//! The server on a real socket: live streams and the end.

use std::net::SocketAddr;

use chrono::TimeDelta;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::site::{PASSWORD, Site, task};
use crate::auth::person::Profile;
use crate::auth::role::Role;
use crate::store::person;
use crate::web::Change;
use crate::web::serve::serve;

/// Reads until `text` has come; fails if the connection ends before.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(text) {
        let mut bytes = [0; 1024];
        let len = stream.read(&mut bytes).await.unwrap();
        assert_ne!(len, 0, "{text} is missing in {}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&bytes[..len]);
    }
    String::from_utf8(read).unwrap()
}

async fn connect(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn streams_changes_to_whoever_is_logged_in_until_the_server_stops() {
    let site = Site::with_user().await;
    let cookie = site.log_in(PASSWORD).await.cookie();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let serving = serve(listener, site.router.clone(), shutdown.clone());

    let watching = async {
        let stranger = "GET /live HTTP/1.1\r\nHost: upturn.test\r\n\r\n";
        read_until(&mut connect(address, stranger).await, "401 Unauthorized").await;

        let request =
            format!("GET /live HTTP/1.1\r\nHost: upturn.test\r\nCookie: {cookie}\r\n\r\n");
        let mut stream = connect(address, &request).await;
        let head = read_until(&mut stream, "\r\n\r\n").await;
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        site.changes.send(Change { tasks_version: 7 }).unwrap();
        let event = read_until(&mut stream, "\n\n").await;
        for line in ["event: tasks", "id: 7", "data: 7"] {
            assert!(event.contains(line), "{event}");
        }

        shutdown.cancel();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    };
    let (served, ()) = tokio::join!(serving, watching);
    served.unwrap();
}

#[tokio::test]
async fn tells_a_reader_only_of_changes_that_they_see_and_not_how_many_there_were() {
    let site = Site::new().await;
    let sales = Profile { roles: [Role::Sales].into(), ..Profile::default() };
    site.add_person("zoe", sales, "$argon2id$none").await;
    let cookie = site.enter("zoe").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let serving = serve(listener, site.router.clone(), shutdown.clone());

    let watching = async {
        let request = format!(
            "GET /live HTTP/1.1\r\nHost: upturn.test\r\nCookie: {cookie}\r\n\
             Connection: close\r\n\r\n"
        );
        let mut stream = connect(address, &request).await;
        read_until(&mut stream, "\r\n\r\n").await;
        for (version, owner) in [(5, "other"), (6, "other"), (7, "other"), (8, "zoe")] {
            site.advance(TimeDelta::seconds(1));
            let id = format!("{owner}-{version}");
            let mut task = task(&id, site.now(), 0, None);
            (task.owner, task.scope) = (owner.into(), id.into());
            site.add([task]).await;
            site.advance(TimeDelta::seconds(1));
            site.changes.send(Change { tasks_version: version }).unwrap();
        }
        let told = read_until(&mut stream, "\n\n").await;
        // Who is kept out is told nothing more, and the stream ends.
        let mut tx = site.store.begin().await.unwrap();
        person::set_disabled(&mut tx, "zoe", Some(site.now())).await.unwrap();
        tx.commit().await.unwrap();
        // The stream may have ended already, at a change before that it had not looked at yet.
        drop(site.changes.send(Change { tasks_version: 9 }));
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        let told = format!("{told}{}", String::from_utf8(rest).unwrap());
        // Changes before may be looked at when the last one is there, and are news then, too.
        assert!((1..=4).contains(&told.matches("event: tasks").count()), "{told}");
        assert!(!told.contains("id: "), "{told}");
        shutdown.cancel();
    };
    let (served, ()) = tokio::join!(serving, watching);
    served.unwrap();
}

#[tokio::test]
async fn refuses_two_lengths_and_endless_headers() {
    let site = Site::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let serving = serve(listener, site.router.clone(), shutdown.clone());

    let asking = async {
        let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(20 * 1024));
        let cases = [
            (
                "two different lengths",
                "POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                "400 Bad Request",
            ),
            ("an endless header", &*long, "431 Request Header Fields Too Large"),
        ];
        for (case, request, expected) in cases {
            let answer = read_until(&mut connect(address, request).await, "\r\n\r\n").await;
            assert!(answer.contains(expected), "case: {case}: {answer}");
        }
        shutdown.cancel();
    };
    let (served, ()) = tokio::join!(serving, asking);
    served.unwrap();
}
