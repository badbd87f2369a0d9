//! The nomenclature of goods: chapters, headings and subheadings of the Harmonized System.
//!
//! **What it reads** the CSV of datasets/harmonized-system: section, code, description, parent, level.

use std::collections::BTreeSet;

use upturn_core::fact::goods::Goods;

use super::bounded;
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::tree::{self, Path, Spot};
use crate::read::{ReadError, text};

/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 2_000;

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || {
        Source {
        address: vec![
            "https://raw.githubusercontent.com/datasets/harmonized-system/HEAD/data/harmonized-system.csv".to_owned(),
        ],
        ..Source::default()
    }
    },
    credit: "datasets/harmonized-system; public domain (ODC-PDDL).",
    ..Supply::TAXES
};

/// Reads the table.
pub fn read(bytes: &[u8]) -> Result<Vec<Goods>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let table = tree::of_table(&text, 1, b',')?;
    let mut codes = BTreeSet::new();
    let mut entries = Vec::new();
    for row in Spot::root(&table).all(&Path::read("/rows/*")) {
        let goods = entry(&row).map_err(|error| error.within(&row.place()))?;
        if !codes.insert(goods.code.clone()) {
            return Err(ReadError::at(row.place(), format!("{} stands there twice", goods.code)));
        }
        entries.push(goods);
    }
    bounded(entries.len(), "codes")?;
    Ok(entries)
}

fn entry(row: &Spot<'_>) -> Result<Goods, ReadError> {
    let cell = |name: &str| {
        let cell = row.text(&Path::read(name)).filter(|cell| !cell.is_empty());
        cell.ok_or_else(|| ReadError::at(format!("/{name}"), "the cell is missing"))
    };
    let code = cell("hscode")?;
    let (len, is_digits) = (code.len(), code.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_digits || !matches!(len, 2 | 4 | 6) || cell("level")? != len.to_string() {
        return Err(ReadError::at(
            "/hscode",
            "it is no code of 2, 4 or 6 digits as its level says",
        ));
    }
    let parent = Some(cell("parent")?).filter(|parent| *parent != "TOTAL");
    if parent.is_some_and(|parent| !code.starts_with(parent) || len <= parent.len()) {
        return Err(ReadError::at("/parent", "it is not above the code"));
    }
    Ok(Goods {
        code: code.to_owned(),
        description: cell("description")?.chars().take(DESCRIPTION_MAX).collect(),
        parent: parent.map(str::to_owned),
        section: cell("section")?.to_owned(),
    })
}
