//! `upturn user list`: everybody who may sign in, or might.

use std::io::Write;

use serde_json::json;

use super::UserError;
use crate::auth::person::Access;
use crate::auth::role::Role;
use crate::cli::output;
use crate::store::{Store, person};
use crate::web::visible::VisibleLines;
use crate::web::when::machine;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

/// Prints them.
pub(super) async fn run(
    args: &Args,
    store: &Store,
    output: &mut (dyn Write + Send),
) -> Result<(), UserError> {
    let people = person::all(store).await?;
    if args.json {
        let people: Vec<_> = people
            .iter()
            .map(|person| {
                json!({
                    "id": person.id,
                    "profile": person.profile,
                    "enabled": person.is_enabled(),
                    "password_given": person.password_given_at.is_some(),
                    "created_at": machine(person.created_at),
                })
            })
            .collect();
        writeln!(output, "{}", json!({ "people": people }))?;
        return Ok(());
    }
    let rows = people.iter().map(|person| {
        let profile = &person.profile;
        let roles: Vec<&str> = profile.roles.iter().map(|role: &Role| role.word()).collect();
        let list = |list: &std::collections::BTreeSet<String>| {
            list.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        let state = match person.access() {
            Access::Disabled => "disabled",
            Access::Given => "has to choose a password",
            Access::Open => "enabled",
        };
        vec![
            person.id.clone(),
            person.shown().to_owned(),
            roles.join(", "),
            list(&profile.teams),
            list(&profile.regions),
            state.to_owned(),
        ]
    });
    let table = output::table(&["id", "name", "roles", "teams", "regions", "state"], rows);
    writeln!(output, "{}", VisibleLines(&table))?;
    Ok(())
}
