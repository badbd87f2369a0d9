//! The HTTP server: connections, their limits and their end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::live::Stopping;
use super::session::Peer;

/// How many connections are open at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1_024;

/// How long a request's header may take to arrive, and how long a connection may be idle.
const HEADER_TIME_MAX: Duration = Duration::from_secs(10);

/// The longest header.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// How long requests may take to finish when the server stops.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// How long to wait when no connection can be accepted, such as for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` to whoever connects to `listener`, until `shutdown`; then finishes the requests
/// that have begun.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let connections = TaskTracker::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Some((stream, peer, place)) = accept(&listener, &room, &shutdown).await {
        let connection = Connection { stream, peer, shutdown: shutdown.clone() };
        let router = router.clone();
        connections.spawn(async move {
            connection.run(router).await;
            drop(place);
        });
    }
    connections.close();
    if tokio::time::timeout(STOP_TIME_MAX, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests were cut off by the stop");
    }
    Ok(())
}

/// Returns the next connection and its place among the open ones; `None` once it is time to stop.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let next = async {
        let place = Arc::clone(room).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, place)),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "nobody can connect");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        accepted = next => accepted,
    }
}

/// A connection and what its requests are told.
struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    shutdown: CancellationToken,
}

impl Connection {
    async fn run(self, router: Router) {
        let peer = Peer(self.peer.ip().to_canonical());
        let stopping = Stopping(self.shutdown.clone());
        let service = router.map_request(move |request: Request<_>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(stopping.clone());
            request
        });

        let mut server = Builder::new(TokioExecutor::new()).http1_only();
        server
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME_MAX)
            .max_buf_size(HEADER_BYTES_MAX);
        let service = TowerToHyperService::new(service);
        let mut serving =
            std::pin::pin!(server.serve_connection(TokioIo::new(self.stream), service));
        let end = tokio::select! {
            end = serving.as_mut() => end,
            () = self.shutdown.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = end {
            tracing::debug!(error = &*error, "a connection broke");
        }
    }
}
