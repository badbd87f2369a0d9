//! What Mosquitto does by itself: the job to one subscriber that only acknowledges.

use std::sync::mpsc;
use std::thread;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet;

use super::figures::{Failure, Meter, Rate};
use super::job::Job;

/// Publishes the job and waits until the subscriber has it all.
pub(super) fn run(job: &Job, broker: &Mosquitto) -> Result<Rate, Failure> {
    let pid = broker.id().ok_or("the broker has ended")?;
    let (standing, stands) = mpsc::channel();
    let (port, count) = (broker.port, job.messages.len());
    let subscriber = thread::spawn(move || subscribe(port, count, &standing));
    stands.recv()?;
    let meter = Meter::of(pid)?;
    fleet::publish(port, &job.messages, 4_000, |_| {});
    subscriber.join().map_err(|_| "the subscriber ended")?;
    meter.report("Mosquitto's own fan-out (CPU is the broker's)", count, "")
}

/// Takes `count` messages.
#[expect(clippy::unwrap_used, reason = "a bench ends where something is missing")]
fn subscribe(port: u16, count: usize, standing: &mpsc::Sender<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut options = MqttOptions::new("fan-out", "127.0.0.1", port);
        options.set_receive_maximum(Some(4_000));
        let (client, mut events) = AsyncClient::new(options, 10);
        client.try_subscribe("devices/+/events", QoS::AtLeastOnce).unwrap();
        let mut left = count;
        while 0 < left {
            match events.poll().await.unwrap() {
                Event::Incoming(Packet::SubAck(_)) => standing.send(()).unwrap(),
                Event::Incoming(Packet::Publish(_)) => left -= 1,
                Event::Incoming(_) | Event::Outgoing(_) => {}
            }
        }
    });
}
