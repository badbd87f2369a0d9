//! `upturn user token`: what programs sign in with.

use std::io::Write;

use super::UserError;
use crate::auth::rights::TokenScope;
use crate::cli::output;
use crate::people::{self, By, NewToken};
use crate::store::{Store, api_token};
use crate::web::visible::VisibleLines;
use crate::web::when::machine;

/// Manages tokens, which programs sign in with.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub(crate) enum Command {
    /// Makes a token and prints it: it is shown this once
    Create {
        /// Whose: the program may do no more than they may
        name: String,
        /// What it may be used for; may be said several times
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<TokenScope>,
        /// How many days it lasts
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=people::TOKEN_DAYS_MAX))]
        days: i64,
        /// What it is for, in words
        #[arg(long, default_value = "made on the machine")]
        label: String,
    },
    /// Lists tokens, not what they are
    List {
        /// Whose; everybody's, where absent
        name: Option<String>,
    },
    /// Revokes a token at once
    Revoke {
        /// Its id, as the list has it
        id: String,
    },
}

/// Runs `command`.
pub(super) async fn run(
    command: &Command,
    store: &Store,
    by: By<'_>,
    output: &mut (dyn Write + Send),
) -> Result<(), UserError> {
    match command {
        Command::Create { name, scopes, days, label } => {
            let scopes = scopes.iter().copied().collect();
            let new = NewToken { label: label.clone(), scopes, days: *days };
            let token = people::make_token(store, by, name, new).await?;
            writeln!(output, "{token}")?;
        }
        Command::List { name } => {
            let tokens = api_token::all(store, name.as_deref()).await?;
            let rows = tokens.iter().map(|token| {
                let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.word()).collect();
                let state = match (token.revoked_at, token.is_valid(by.at)) {
                    (Some(_), _) => "revoked",
                    (None, false) => "over",
                    (None, true) => "valid",
                };
                vec![
                    token.id.clone(),
                    token.person.clone(),
                    token.label.clone(),
                    scopes.join(", "),
                    machine(token.expires_at),
                    token.last_used_at.map_or_else(|| "-".to_owned(), machine),
                    state.to_owned(),
                ]
            });
            let headings = ["id", "whose", "label", "scopes", "ends", "last used", "state"];
            writeln!(output, "{}", VisibleLines(&output::table(&headings, rows)))?;
        }
        Command::Revoke { id } => {
            people::revoke_token(store, by, id, None).await?;
            writeln!(output, "the token {id} is revoked")?;
        }
    }
    Ok(())
}
