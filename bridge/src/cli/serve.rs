//! `upturn serve`: takes in telemetry and serves the pages, until told to stop.

use std::path::Path;

use super::{block_on, causes, first_admin, output};
use crate::compliance;
use crate::config::Config;
use crate::exit::Exit;
use crate::logging;
use crate::registry;
use crate::rules;
use crate::supervisor::{self, Plan, StartError};

pub(super) fn run(config: Option<&Path>) -> Exit {
    let outcome = Config::load(config).map_err(StartError::from).and_then(|config| {
        logging::start(&config.log);
        plan(config)
    });
    // A service outlives its terminal; whoever wants it to end says so by another signal.
    let outcome = outcome.map(|plan| Plan { reloads: true, ..plan });
    match outcome {
        Ok(plan) => block_on(serve(plan)),
        Err(error) => output::failed(&error, error.exit()),
    }
}

/// Reads what the settings name.
pub(super) fn plan(config: Config) -> Result<Plan, StartError> {
    let registry = config.registry.dir.as_deref().map(registry::load).transpose()?;
    let rules = rules::load(&config.rules.dir, &config.catalogue())?;
    let policy = config.compliance.dir.as_deref().map(compliance::load).transpose()?;
    let (registry, policy) = (registry.unwrap_or_default(), policy.unwrap_or_default());
    Ok(Plan { config, rules, registry, policy, reloads: false })
}

async fn serve(plan: Plan) -> Exit {
    let (rules, registered) = (plan.rules.len(), plan.registry.people.clone());
    let mut running = match supervisor::start(plan).await {
        Ok(running) => running,
        Err(error) => return output::failed(&error, error.exit()),
    };
    if running.is_standby {
        output::note("upturn: standby; another upturn works on this database");
    }
    if !running.is_standby
        && let Err(error) = first_admin::make(&running.store, &registered).await
    {
        // Work goes on; people can be made by hand.
        output::note(format_args!("upturn: {}", causes::describe(&error)));
    }
    output::note(format_args!("upturn: rules in force: {rules}; pages at http://{}", running.web));
    if let Some(mqtt) = running.mqtt {
        output::note(format_args!("upturn: devices publish to mqtt://{mqtt}"));
    }
    let told = running.until_told().await;
    running.stop().await;
    match told {
        Ok(()) => Exit::Ok,
        Err(error) => output::failed(&error, error.exit()),
    }
}
