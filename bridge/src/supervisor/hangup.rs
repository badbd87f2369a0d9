//! SIGHUP: reads rules and registry again, as services do.

use std::sync::Arc;

use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::reload::Reloader;

/// Who reloads, as the trail has it.
const ACTOR: &str = "upturn";

/// Reloads at each signal until `shutdown`, where the signal is listened for.
pub(super) fn start(
    hangup: Option<Signal>,
    reloader: &Arc<Reloader>,
    tracker: &TaskTracker,
    shutdown: &CancellationToken,
) {
    if let Some(hangup) = hangup {
        tracker.spawn(listen(hangup, Arc::clone(reloader), shutdown.clone()));
    }
}

async fn listen(mut hangup: Signal, reloader: Arc<Reloader>, shutdown: CancellationToken) {
    loop {
        let outcome = tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = async {
                hangup.recv().await?;
                Some(reloader.reload(ACTOR).await)
            } => outcome,
        };
        match outcome {
            None => return,
            Some(Ok(changes)) if changes.is_empty() => {
                tracing::info!("reloaded; rules and registry are as they were");
            }
            Some(Ok(changes)) => {
                let (rules, registry) = (changes.rules.len(), changes.registry);
                tracing::info!(rules, registry, "reloaded; these have changed");
            }
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "nothing was reloaded");
            }
        }
    }
}
