//! A fleet of simulated chargers, which publishes through a real MQTT door.

use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, ConnectionError, Event, MqttOptions};
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

    let began = Instant::now();
    let (total, mut acknowledged) = (script.len(), 0);
    let mut waiting = script.into_iter().peekable();
    while acknowledged < total {
        let due = waiting.peek().map(|next| began + after(pace, next.minute));
        let room = client_has_room(&waiting, total, acknowledged);
        tokio::select! {
            polled = tokio::time::timeout(SILENCE_MAX, events.poll()) => {
                match polled {
                    Ok(Ok(Event::Incoming(Packet::PubAck(_)))) => acknowledged += 1,
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return Err(FleetError::Connection(Box::new(error))),
                    Err(_) => return Err(FleetError::Silence),
                }
            }
            () = tokio::time::sleep_until(due.unwrap_or(began)), if due.is_some() && room => {
                if let Some(next) = waiting.next() {
                    let sent = client.try_publish(next.topic, QoS::AtLeastOnce, false, next.payload);
                    drop(sent);
                }
            }
        }
    }
    drop(client.try_disconnect());
    let goodbye = async { while events.poll().await.is_ok() {} };
    drop(tokio::time::timeout(Duration::from_secs(1), goodbye).await);
    Ok(())
}

fn client_has_room<I: ExactSizeIterator>(
    waiting: &std::iter::Peekable<I>,
    total: usize,
    acknowledged: usize,
) -> bool {
    let sent = total - waiting.len();
    sent - acknowledged < usize::from(IN_FLIGHT_MAX)
}

fn after(pace: Pace, minute: u32) -> Duration {
    match pace {
        Pace::AtOnce => Duration::ZERO,
        Pace::PerMinute(real) => real * minute,
    }
}
