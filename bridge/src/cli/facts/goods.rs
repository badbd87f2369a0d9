//! `upturn facts get goods`: codes of goods by their beginning, or by words.

use serde_json::json;

use super::{Common, Told, origin};
use crate::cli::output;
use crate::facts::Facts;
use crate::facts::lookup::LookupError;

/// What is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The beginning of a code, or words of which each begins a word of the description
    #[arg(required = true)]
    words: Vec<String>,
    /// How many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    max: u16,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Returns the codes that are asked for; none is an answer, too.
pub(super) fn get(facts: &Facts, args: &Args) -> Result<Told, LookupError> {
    let text = args.words.join(" ");
    let found = facts.goods(args.common.feed.as_deref(), &text, usize::from(args.max))?;
    let rows = found.entries.iter().map(|(goods, above)| {
        let above: Vec<_> = above.iter().map(|one| one.description.as_str()).collect();
        vec![goods.code.clone(), goods.description.clone(), above.join(" > ")]
    });
    let shown = match found.entries.len() {
        0 => format!("no code answers to '{text}'"),
        _ => output::table(&["code", "goods", "of"], rows),
    };
    let entries = found.entries.iter().map(|(goods, above)| {
        json!({
            "code": goods.code,
            "description": goods.description,
            "section": goods.section,
            "above": above.iter().map(|one| &one.code).collect::<Vec<_>>(),
        })
    });
    let json = json!({
        "asked": text,
        "goods": entries.collect::<Vec<_>>(),
        "feed": found.sheet.feed,
        "set": found.sheet.set,
        "checked_at": found.sheet.checked_at,
    });
    Ok(Told { text: format!("{shown}\n{}", origin(found.sheet)), json })
}
