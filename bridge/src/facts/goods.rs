//! Codes of goods, searched in the nomenclatures of the feeds.

use upturn_core::fact::Fact;
use upturn_core::fact::goods::{Goods, Nomenclature};

use super::lookup::LookupError;
use super::{Facts, Sheet};

/// Entries of a nomenclature, and whose it is.
#[derive(Debug)]
pub(crate) struct GoodsFound<'f> {
    /// The feed's facts.
    pub(crate) sheet: &'f Sheet,
    /// The entries, the nearest first; each with those above it, the chapter first.
    pub(crate) entries: Vec<(Goods, Vec<Goods>)>,
}

impl Facts {
    /// Returns at most `max` entries that answer to `text`, a code or words, from the one feed that has
    /// codes of goods.
    pub(crate) fn goods(
        &self,
        feed: Option<&str>,
        text: &str,
        max: usize,
    ) -> Result<GoodsFound<'_>, LookupError> {
        let sheets = self.of_feed(feed)?;
        let has_goods = |sheet: &&Sheet| goods(&sheet.facts).next().is_some();
        let sheets: Vec<_> = sheets.into_iter().filter(has_goods).collect();
        let sheet = match &*sheets {
            [] => return Err(LookupError::NoGoods),
            [one] => *one,
            several => {
                let feeds = several.iter().map(|sheet| sheet.feed.clone()).collect();
                return Err(LookupError::Several(feeds));
            }
        };
        Ok(GoodsFound { sheet, entries: search(&sheet.facts, text, max) })
    }

    /// Returns at most `max` entries of each feed that has codes of goods.
    pub(crate) fn all_goods(&self, text: &str, max: usize) -> Vec<GoodsFound<'_>> {
        let sheets = self.sheets.iter().filter(|sheet| goods(&sheet.facts).next().is_some());
        let found = |sheet| GoodsFound { sheet, entries: search(&sheet.facts, text, max) };
        sheets.map(found).collect()
    }
}

/// Returns at most `max` entries among `facts` that answer to `text`, each with those above it.
pub(crate) fn search(facts: &[Fact], text: &str, max: usize) -> Vec<(Goods, Vec<Goods>)> {
    let nomenclature = Nomenclature::of(goods(facts).cloned());
    let found = nomenclature.search(text, max).into_iter();
    found.map(|goods| (goods.clone(), above(&nomenclature, goods))).collect()
}

/// Returns the entries above `goods`, the chapter first.
fn above(nomenclature: &Nomenclature, goods: &Goods) -> Vec<Goods> {
    let mut above = Vec::new();
    let mut code = goods.parent.clone();
    // A code has at most ten digits, and each entry above it fewer.
    while let Some(parent) = code.as_deref().and_then(|code| nomenclature.find(code))
        && above.len() < 10
    {
        above.push(parent.clone());
        code.clone_from(&parent.parent);
    }
    above.reverse();
    above
}

fn goods(facts: &[Fact]) -> impl Iterator<Item = &Goods> {
    facts.iter().filter_map(|fact| if let Fact::Goods(one) = fact { Some(&**one) } else { None })
}
