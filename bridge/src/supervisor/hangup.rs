//! SIGHUP: reads rules, registry and certificates again, as services do.

use std::sync::Arc;

use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ingest::door::OpenDoor;
use crate::reload::Reloader;

/// Who reloads, as the trail has it.
const ACTOR: &str = "upturn";

/// Reloads at each signal until `shutdown`, where the signal is listened for; the certificates of
/// the embedded broker too, if there is one.
pub(super) fn start(
    hangup: Option<Signal>,
    reloader: &Arc<Reloader>,
    door: watch::Receiver<Option<OpenDoor>>,
    (tracker, shutdown): (&TaskTracker, &CancellationToken),
) {
    if let Some(hangup) = hangup {
        tracker.spawn(listen(hangup, Arc::clone(reloader), door, shutdown.clone()));
    }
}

async fn listen(
    mut hangup: Signal,
    reloader: Arc<Reloader>,
    door: watch::Receiver<Option<OpenDoor>>,
    shutdown: CancellationToken,
) {
    loop {
        let outcome = tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = async {
                hangup.recv().await?;
                let open = door.borrow().clone();
                reload_certificates(open.as_ref());
                Some(reloader.reload(ACTOR).await)
            } => outcome,
        };
        match outcome {
            None => return,
            Some(Ok(changes)) if changes.is_empty() => {
                tracing::info!("reloaded; everything is as it was");
            }
            Some(Ok(changes)) => {
                let (rules, registry) = (changes.rules.len(), changes.registry);
                let (delivery, feeds) = (changes.delivery, changes.feeds);
                tracing::info!(rules, registry, delivery, feeds, "reloaded; these have changed");
            }
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "nothing was reloaded");
            }
        }
    }
}

fn reload_certificates(door: Option<&OpenDoor>) {
    let Some(door) = door.filter(|door| door.tls_addr().is_some()) else { return };
    match door.reload_certificates() {
        Ok(()) => tracing::info!("certificates were read again; new connections go by them"),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the old certificates stay in use");
        }
    }
}
