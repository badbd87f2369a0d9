//! A server on a port of its own that answers what a test says.

use std::future;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{self, Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;

/// A server; it ends with this value.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _tasks: JoinSet<()>,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

type Answers = Arc<dyn Fn(&Asked) -> Response + Send + Sync>;

/// Marks the answer that never comes.
#[derive(Clone)]
struct Never;

impl Asked {
    /// Method and path: `POST /hook`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.uri.path())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Server {
    /// Starts a server that does what `answers` says.
    pub(crate) async fn start(
        answers: impl Fn(&Asked) -> Response + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let state = (Arc::new(answers) as Answers, Arc::clone(&asked));
        let app = Router::new().fallback(answer).with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked, _tasks: tasks }
    }

    /// Starts a server that sends `bytes`, whatever it is asked, and hangs up.
    pub(crate) async fn raw(bytes: &'static [u8]) -> Self {
        let asked = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 4_096];
                // A client that gave up is no concern here.
                drop(socket.read(&mut request).await);
                drop(socket.write_all(bytes).await);
            }
        });
        Self { url, asked, _tasks: tasks }
    }

    /// Returns what was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Returns methods and paths of what was asked so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

async fn answer(
    State((answers, asked)): State<(Answers, Arc<Mutex<Vec<Asked>>>)>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = body::to_bytes(body, 1 << 20).await.unwrap();
    let seen = Asked { method: head.method, uri: head.uri, headers: head.headers, body };
    asked.lock().unwrap().push(seen.clone());
    let response = answers(&seen);
    if response.extensions().get::<Never>().is_some() {
        future::pending::<()>().await;
    }
    response
}

/// An answer of `status` with `body`.
pub(crate) fn say(status: u16, body: impl Into<Body>) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.into()).into_response()
}

/// `answer` with a header more.
pub(crate) fn with(mut answer: Response, name: &'static str, value: &str) -> Response {
    answer.headers_mut().insert(name, value.parse().unwrap());
    answer
}

/// An answer of `status` with `body` as JSON.
pub(crate) fn json(status: u16, body: &serde_json::Value) -> Response {
    say(status, body.to_string())
}

/// An answer that never comes.
pub(crate) fn never() -> Response {
    let mut answer = say(200, "");
    answer.extensions_mut().insert(Never);
    answer
}

/// A body that never ends.
pub(crate) fn endless() -> Body {
    let piece = Bytes::from(vec![b'x'; 1 << 16]);
    let pieces = std::iter::repeat_with(move || Ok::<_, io::Error>(piece.clone()));
    Body::from_stream(tokio_stream::iter(pieces))
}

/// A body that begins with `text` and goes no further.
pub(crate) fn stuck(text: &'static str) -> Body {
    let begin = tokio_stream::iter([Ok::<_, io::Error>(Bytes::from(text))]);
    Body::from_stream(begin.chain(tokio_stream::pending()))
}

/// A body that begins with `text`, after which the connection is cut.
pub(crate) fn torn(text: &'static str) -> Body {
    let pieces = [Ok(Bytes::from(text)), Err(io::Error::other("cut"))];
    Body::from_stream(tokio_stream::iter(pieces))
}
