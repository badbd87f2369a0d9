//! The crate `mqtt5` as the broker behind the gate.

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mqtt5::broker::{
    BrokerConfig, DynamicStorage, FileBackend, MemoryBackend, ResourceLimits, ResourceMonitor,
    StorageBackend as _,
    auth::AllowAllAuthProvider,
    client_handler::ClientHandler,
    router::MessageRouter,
    storage::QueueLimits,
    sys_topics::BrokerStats,
    transport::{BrokerTransport, WebSocketTransport},
};
use mqtt5_protocol::{MqttError, QoS, packet::publish::PublishPacket};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    sync::broadcast,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    broker::{Broker, Quality},
    limits::{
        CONNECTIONS_MAX, FRAME_BYTES_MAX, PIPE_BYTES, RECEIVE_MAXIMUM, RETAINED_BYTES_MAX,
        RETAINED_MAX,
    },
};

/// How long a session outlives its connection at most.
const SESSION_EXPIRY: Duration = Duration::from_hours(24);

/// What waits for one subscriber that is away or slow; the oldest are dropped first.
const QUEUE: QueueLimits = QueueLimits { max_messages: 1_000, max_bytes: 4 * 1024 * 1024 };

/// Messages to one subscriber that it has not acknowledged.
const OUTBOUND_IN_FLIGHT_MAX: u16 = 100;

/// Subscriptions of one client.
const SUBSCRIPTIONS_MAX: usize = 1_000;

/// How often expired sessions and messages are removed.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// A broker of the crate `mqtt5`, without any listener of its own.
#[derive(Debug)]
pub(super) struct Mqtt5 {
    parts: Parts,
    tracker: TaskTracker,
}

struct Parts {
    config: Arc<BrokerConfig>,
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    auth: Arc<AllowAllAuthProvider>,
    stats: Arc<BrokerStats>,
    monitor: Arc<ResourceMonitor>,
    stop: broadcast::Sender<()>,
}

impl Mqtt5 {
    /// Starts a broker that keeps its sessions in a directory, or else in memory.
    pub(super) async fn start(
        sessions: Option<&Path>,
        tracker: &TaskTracker,
        shutdown: CancellationToken,
    ) -> Result<Self, MqttError> {
        let storage = match sessions {
            Some(directory) => {
                DynamicStorage::File(FileBackend::with_queue_limits(directory, QUEUE).await?)
            }
            None => DynamicStorage::Memory(MemoryBackend::with_queue_limits(QUEUE)),
        };
        let parts = Parts::new(Arc::new(storage));
        let expiry = u32::try_from(SESSION_EXPIRY.as_secs()).unwrap_or(u32::MAX);
        parts.router.recover_sessions(expiry).await?;
        parts.storage.cleanup_expired().await?;
        parts.router.initialize().await?;

        let (router, storage) = (Arc::clone(&parts.router), Arc::clone(&parts.storage));
        tracker.spawn(async move {
            let sweeping = sweep(&router, &storage);
            if shutdown.run_until_cancelled(sweeping).await.is_none()
                && let Err(error) = storage.shutdown().await
            {
                tracing::warn!(error = %error, "the embedded broker did not store its sessions");
            }
        });
        Ok(Self { parts, tracker: tracker.clone() })
    }
}

#[async_trait]
impl Broker for Mqtt5 {
    fn attach(&self, peer: SocketAddr) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let parts = &self.parts;
        let handler = ClientHandler::new(
            BrokerTransport::WebSocket(Box::new(Pipe { stream: theirs, peer })),
            peer,
            Arc::clone(&parts.config),
            Arc::clone(&parts.router),
            Arc::clone(&parts.auth) as _,
            Some(Arc::clone(&parts.storage)),
            Arc::clone(&parts.stats),
            Arc::clone(&parts.monitor),
            parts.stop.subscribe(),
        );
        // It ends when the gate drops its end, so a stop of the gate stops it too.
        self.tracker.spawn(async move {
            if let Err(error) = handler.run().await
                && !error.is_normal_disconnect()
            {
                tracing::debug!(peer = %peer, error = %error, "a client's session at the broker ended");
            }
        });
        ours
    }

    async fn publish(&self, topic: &str, payload: Bytes, quality: Quality) {
        let qos = match quality {
            Quality::AtMostOnce => QoS::AtMostOnce,
            Quality::AtLeastOnce => QoS::AtLeastOnce,
            Quality::ExactlyOnce => QoS::ExactlyOnce,
        };
        let packet = PublishPacket::new(topic, payload, qos);
        self.parts.router.route_message(&packet, None).await;
    }
}

impl Parts {
    fn new(storage: Arc<DynamicStorage>) -> Self {
        let router = MessageRouter::with_storage(Arc::clone(&storage))
            .with_fallback_queue_limits(QUEUE)
            .with_retained_limits(RETAINED_MAX, RETAINED_BYTES_MAX);
        let monitor = ResourceMonitor::new(ResourceLimits {
            max_connections: CONNECTIONS_MAX,
            max_connections_per_ip: CONNECTIONS_MAX,
            // The gate's window bounds what a client may send; there is no limit of rate.
            max_message_rate_per_client: 0,
            max_bandwidth_per_client: 0,
            ..ResourceLimits::default()
        });
        Self {
            config: Arc::new(config()),
            router: Arc::new(router),
            storage,
            auth: Arc::new(AllowAllAuthProvider),
            stats: Arc::new(BrokerStats::new()),
            monitor: Arc::new(monitor),
            stop: broadcast::channel(1).0,
        }
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("config", &self.config).finish_non_exhaustive()
    }
}

fn config() -> BrokerConfig {
    BrokerConfig {
        bind_addresses: Vec::new(),
        max_clients: CONNECTIONS_MAX,
        session_expiry_interval: SESSION_EXPIRY,
        max_packet_size: FRAME_BYTES_MAX,
        // With aliases a publish may come without its topic.
        topic_alias_maximum: 0,
        server_receive_maximum: Some(RECEIVE_MAXIMUM),
        max_outbound_inflight: OUTBOUND_IN_FLIGHT_MAX,
        client_channel_capacity: QUEUE.max_messages,
        max_subscriptions_per_client: SUBSCRIPTIONS_MAX,
        max_retained_messages: RETAINED_MAX,
        max_retained_message_size: RETAINED_BYTES_MAX,
        sys_topics_enabled: false,
        ..BrokerConfig::default()
    }
}

async fn sweep(router: &MessageRouter, storage: &DynamicStorage) -> Infallible {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        if let Err(error) = storage.cleanup_expired().await {
            tracing::warn!(error = %error, "expired messages of the embedded broker were not removed");
        }
        router.sweep_sessions().await;
    }
}

/// The broker's end of a connection in memory.
///
/// The library takes its transports as an enum; the web socket is the variant behind a trait.
struct Pipe {
    stream: DuplexStream,
    peer: SocketAddr,
}

impl WebSocketTransport for Pipe {
    fn peer_addr(&self) -> Result<SocketAddr, MqttError> {
        Ok(self.peer)
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
