//! `upturn audit`: whether the trail of changes is as it was written.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::output;
use super::store_command::{self, StoreCommandError};
use crate::audit_head;
use crate::exit::Exit;
use crate::store::audit::chain::{self, Head, Verdict};

/// Looks after the trail of who changed what
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Read the whole trail and say whether anybody has changed it
    Verify {
        /// A head that was noted earlier, elsewhere: the trail must have come by it
        #[arg(long, value_name = "ENTRIES:DIGEST")]
        noted: Option<Head>,
        /// The same, read from the file that `[audit] head_file` names: its newest note
        #[arg(long, value_name = "FILE", conflicts_with = "noted")]
        head: Option<PathBuf>,
        /// Print one JSON document instead of a sentence
        #[arg(long)]
        json: bool,
    },
}

/// Runs `command` on the settings in `config`; ends with 1 where the trail was changed.
pub(super) fn run(command: Command, config: Option<&Path>) -> Exit {
    let Command::Verify { noted, head, json } = command;
    store_command::run(config, async move |config| {
        let noted = match head {
            Some(file) => Some(audit_head::newest(&file)?),
            None => noted,
        };
        let store = store_command::open(&config).await?;
        store.migrate().await?;
        let verdict = chain::verify(&store, noted.as_ref()).await?;
        store.close().await;
        tell(&verdict, json)
    })
}

fn tell(verdict: &Verdict, json: bool) -> Result<Exit, StoreCommandError> {
    let (exit, document, sentence) = match verdict {
        Verdict::Whole(head @ Head { entries, digest }) => (
            Exit::Ok,
            json!({ "whole": true, "entries": entries, "digest": digest }),
            format!("the trail is as it was written; note its head elsewhere: {head}"),
        ),
        Verdict::Broken(id) => (
            Exit::Findings,
            json!({ "whole": false, "broken_at": id }),
            format!("the trail was changed at or before its entry {id}"),
        ),
        Verdict::Cut { expected, found } => (
            Exit::Findings,
            json!({ "whole": false, "expected": expected, "found": found }),
            format!("the trail was cut: it had {expected} entries and has {found}"),
        ),
        Verdict::Rewritten => (
            Exit::Findings,
            json!({ "whole": false, "rewritten": true }),
            "the trail was rewritten: it never was what was noted".to_owned(),
        ),
    };
    if json { output::say_json(document) } else { output::say(sentence) }?;
    Ok(exit)
}
