//! A fleet of simulated chargers, which publishes through a real MQTT door.

use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};
use tokio::time::Instant;

pub(crate) mod day;

use self::day::Publication;

/// How many messages may wait for their acknowledgement.
const IN_FLIGHT_MAX: u16 = 200;
/// How long nothing may happen before the door counts as stuck.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How fast a day goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As fast as it is acknowledged.
    AtOnce,
    /// So much real time a minute of the day.
    PerMinute(Duration),
}

/// Why a day was not played to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FleetError {
    /// The connection broke.
    #[error("the simulated chargers lost their connection")]
    Connection(#[from] Box<ConnectionError>),
    /// Nothing was acknowledged for too long.
    #[error("nothing was acknowledged for {} s", SILENCE_MAX.as_secs())]
    Silence,
}

/// Publishes `script` to the broker at `door`; returns once everything is acknowledged, which
/// here means committed.
pub(crate) async fn play(
    door: SocketAddr,
    script: Vec<Publication>,
    pace: Pace,
) -> Result<(), FleetError> {
    let mut options = MqttOptions::new("simulated-fleet", door.ip().to_string(), door.port());
    options.set_keep_alive(Duration::from_secs(15));
    options.set_outgoing_inflight_upper_limit(IN_FLIGHT_MAX);
    let (client, mut events) = AsyncClient::new(options, usize::from(IN_FLIGHT_MAX));

    let (began, total) = (Instant::now(), script.len());
    let publishing = async {
        for next in script {
            tokio::time::sleep_until(began + after(pace, next.minute)).await;
            // Waits for room; there is always somebody to take it, or the day has ended.
            drop(client.publish(next.topic, QoS::AtLeastOnce, false, next.payload).await);
        }
        std::future::pending::<()>().await;
    };
    // Beside each other, so that polling is never given up half-way: a log-in that was sent and
    // given up could come late, and take the connection over that was made after it.
    tokio::select! {
        acknowledged = until_acknowledged(&mut events, total) => acknowledged?,
        () = publishing => {}
    }
    drop(client.try_disconnect());
    let goodbye = async { while events.poll().await.is_ok() {} };
    drop(tokio::time::timeout(Duration::from_secs(1), goodbye).await);
    Ok(())
}

async fn until_acknowledged(events: &mut EventLoop, total: usize) -> Result<(), FleetError> {
    let mut acknowledged = 0;
    while acknowledged < total {
        match tokio::time::timeout(SILENCE_MAX, events.poll()).await {
            Ok(Ok(Event::Incoming(Packet::PubAck(_)))) => acknowledged += 1,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(FleetError::Connection(Box::new(error))),
            Err(_) => return Err(FleetError::Silence),
        }
    }
    Ok(())
}

fn after(pace: Pace, minute: u32) -> Duration {
    match pace {
        Pace::AtOnce => Duration::ZERO,
        Pace::PerMinute(real) => real * minute,
    }
}
