//! The check of the broker we subscribe at: there, trusted, and it lets us in.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use super::{Check, Outcome};
use crate::cli::causes;
use crate::config::mqtt::ConnectConfig;
use crate::ingest::client::limits;
use crate::ingest::connect::{self, ConnectError};
use crate::ingest::mqtt::{Heard, LinkError, Options};

/// How long the broker may take to let us in, and to let us go.
const LOGIN_LIMIT: Duration = Duration::from_secs(10);

/// Whether the broker lets us in.
#[derive(Clone, Debug)]
pub(super) struct BrokerCheck {
    /// How to get there.
    pub(super) connect: ConnectConfig,
}

/// Why it does not.
#[derive(Debug, thiserror::Error)]
enum BrokerError {
    #[error(transparent)]
    Way(#[from] ConnectError),
    #[error("it does not let us in")]
    Refused(#[from] LinkError),
    #[error("it does not answer within {} s", LOGIN_LIMIT.as_secs())]
    Late,
}

#[async_trait]
impl Check for BrokerCheck {
    fn name(&self) -> &'static str {
        "broker"
    }

    async fn run(&self) -> Outcome {
        let url = &self.connect.url;
        match self.log_in().await {
            Ok(warnings) if warnings.is_empty() => Outcome::ok(format!("{url} lets us in")),
            Ok(warnings) => {
                let found = format!("{url} lets us in");
                Outcome::warn(found, warnings.join("; "))
            }
            Err(error) => {
                let found = format!("{url}: {}", causes::describe(&error));
                let advice = match error {
                    BrokerError::Way(_) => "correct the file or the certificates",
                    BrokerError::Refused(LinkError::Dial(_)) => {
                        "correct the URL or the certificates"
                    }
                    BrokerError::Refused(_) | BrokerError::Late => {
                        "see that the broker runs, and check URL, username and password"
                    }
                };
                Outcome::fail(found, advice)
            }
        }
    }
}

impl BrokerCheck {
    async fn log_in(&self) -> Result<Vec<String>, BrokerError> {
        let options = connect::options(&self.connect).await?;
        let entered = timeout(LOGIN_LIMIT, self.enter(&options));
        entered.await.map_err(|_| BrokerError::Late)?
    }

    async fn enter(&self, options: &Options) -> Result<Vec<String>, BrokerError> {
        // A name of our own: with the real one we would throw a running Upturn out.
        let (requests, mut events) = options.for_visit("doctor").open();
        let welcome = loop {
            // A refusal comes as an error.
            if let Heard::Connected(welcome) = events.poll().await? {
                break welcome;
            }
        };
        // The farewell is a courtesy.
        if requests.disconnect().is_ok() {
            events.finish().await.ok();
        }
        Ok(limits::check(&self.connect.url.to_string(), &welcome))
    }
}
