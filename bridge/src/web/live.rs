//! Tells open pages, by server-sent events, that tasks have changed.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::App;
use super::session::ApiReader;

/// How long one stream lasts. The browser asks again, and its session is checked again.
const STREAM_TIME_MAX: Duration = Duration::from_mins(10);

/// How often a quiet stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Fires when the server stops; the server adds it to each request.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(pub(crate) CancellationToken);

/// Streams an event for every commit that changed tasks.
pub(crate) async fn handle(
    State(app): State<App>,
    reader: ApiReader,
    stopping: Option<Extension<Stopping>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    drop(reader);
    let stopping = stopping.map(|Extension(Stopping(token))| token).unwrap_or_default();
    let over = async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = tokio::time::sleep(STREAM_TIME_MAX) => {}
        }
    };
    let events = BroadcastStream::new(app.changes.subscribe()).map(|change| {
        Ok(match change {
            Ok(change) => {
                let version = change.tasks_version.to_string();
                Event::default().event("tasks").id(version.clone()).data(version)
            }
            // The page was too slow for some changes; it only needs to know that there were any.
            Err(_) => Event::default().event("tasks").data(""),
        })
    });
    let stream = Until { events, over: Box::pin(over) };
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// A stream that ends when something else does.
struct Until<S> {
    events: S,
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S: Stream + Unpin> Stream for Until<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if self.over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.events).poll_next(cx)
    }
}
