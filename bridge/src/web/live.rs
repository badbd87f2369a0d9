//! Tells open pages, by server-sent events, that tasks have changed.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::caller::Caller;
use super::fault::Fault;
use super::session::identify;
use super::{App, Change};
use crate::auth::rights::Action;
use crate::auth::sight::Sight;
use crate::store::task_view;

/// How long one stream lasts. The browser asks again, and its session is checked again.
const STREAM_TIME_MAX: Duration = Duration::from_mins(10);

/// How often a quiet stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Fires when the server stops; the server adds it to each request.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(pub(crate) CancellationToken);

/// Streams an event for every commit that changed tasks which the reader sees.
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    stopping: Option<Extension<Stopping>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let changes = app.changes.subscribe();
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let (_, newest) = task_view::newer(&app.store, &sight, i64::MAX).await?;
    let since = AtomicI64::new(settled(&app, newest));
    let watch = Arc::new(Watch { app, headers, since });
    let stopping = stopping.map(|Extension(Stopping(token))| token).unwrap_or_default();
    let over = async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = tokio::time::sleep(STREAM_TIME_MAX) => {}
        }
    };
    let news = BroadcastStream::new(changes).then(move |change| {
        let watch = Arc::clone(&watch);
        async move { watch.look(change.ok()).await.unwrap_or(News::Over) }
    });
    let events =
        news.take_while(|news| !matches!(news, News::Over)).filter_map(|news| match news {
            News::Tasks(event) => Some(Ok(event)),
            News::Nothing | News::Over => None,
        });
    let stream = Until { events: Box::pin(events), over: Box::pin(over) };
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// What one reader looks out for.
struct Watch {
    app: App,
    /// Those of the request, which say who reads.
    headers: HeaderMap,
    /// Up to when the reader knows of changes, in milliseconds of log time.
    since: AtomicI64,
}

/// What a commit means to a reader.
enum News {
    /// Tasks that they see have changed.
    Tasks(Event),
    /// Others have.
    Nothing,
    /// They may not read any longer.
    Over,
}

impl Watch {
    /// Says what `change` means to the reader as they are now; without one, their stream was too
    /// slow for some.
    async fn look(&self, change: Option<Change>) -> Result<News, Fault> {
        let caller = identify(&self.app, &self.headers).await?;
        let sight = caller.sight(&self.app, Action::ReadTasks).await?;
        let event = Event::default().event("tasks");
        // The number counts all changes, so it is for those who see all.
        if let (Sight::All, Some(change)) = (&sight, change) {
            let version = change.tasks_version.to_string();
            return Ok(News::Tasks(event.id(version.clone()).data(version)));
        }
        let since = self.since.load(Ordering::Relaxed);
        let (is_news, newest) =
            task_view::newer(&self.app.store, &sight, since.saturating_add(1)).await?;
        self.since.store(settled(&self.app, newest), Ordering::Relaxed);
        Ok(if is_news || sight == Sight::All { News::Tasks(event.data("")) } else { News::Nothing })
    }
}

/// Returns up to when nothing more will be written, if `newest` is the newest that was.
fn settled(app: &App, newest: i64) -> i64 {
    // Another commit may have the same millisecond.
    newest.min(app.clock.now().timestamp_millis().saturating_sub(1))
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
