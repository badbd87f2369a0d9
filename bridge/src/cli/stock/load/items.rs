//! Items: their packs, what stock of them is worth, and what replaces them.

use rust_decimal::Decimal;
use upturn_core::money::Currency;
use upturn_core::stock::plan::setting::{Aim, Costs, Item, ItemIndex};

use super::{Loader, cell, cycles, next_index};
use crate::registry::table::{Row, Table};

pub(super) const ITEMS: Table = Table {
    file: "items.csv",
    required: &["item"],
    optional: &[
        "name",
        "pack",
        "order_min",
        "service",
        "shortage_cost",
        "idle_cost",
        "currency",
        "replaced_by",
    ],
};

impl Loader<'_> {
    pub(super) fn read_items(&mut self) -> bool {
        let mut replaced: Vec<(u64, Option<String>)> = Vec::new();
        let is_read = self.rows(&ITEMS, |loader, row| {
            let id = cell::text(row, "item")?;
            if loader.items.contains_key(id) {
                return Err(format!("item '{id}' stands twice; remove one"));
            }
            let pack = cell::count(row, "pack", 1)?;
            if pack == 0 {
                return Err("pack is 0; a pack has at least 1 unit".to_owned());
            }
            let order_min = cell::count(row, "order_min", 0)?;
            let aim = aim(row)?;
            let index = ItemIndex(next_index(loader.setting.items.len())?);
            loader.setting.items.push(Item { id: id.into(), pack, order_min, aim });
            loader.items.insert(id.into(), index);
            replaced.push((row.line, row.find("replaced_by").map(str::to_owned)));
            Ok(())
        });
        self.resolve(&replaced);
        is_read
    }

    /// Finds what stands for each item in the end.
    fn resolve(&mut self, replaced: &[(u64, Option<String>)]) {
        let path = self.folder.join(ITEMS.file);
        let mut next: Vec<Option<ItemIndex>> = Vec::with_capacity(replaced.len());
        for (line, name) in replaced {
            let found = name.as_deref().map(|name| self.items.get(name).copied());
            if let (Some(None), Some(name)) = (found, name) {
                let message =
                    format!("replaced_by names '{name}', which is no item; it is ignored");
                self.problems.report(&path, Some(*line), message);
            }
            next.push(found.flatten());
        }
        for place in cycles(&next) {
            if let Some((line, Some(name))) = replaced.get(place) {
                let message =
                    format!("replaced_by '{name}' leads back here, a cycle; it is ignored");
                self.problems.report(&path, Some(*line), message);
            }
            if let Some(cut) = next.get_mut(place) {
                *cut = None;
            }
        }
        let all = 0..u32::try_from(next.len()).unwrap_or(u32::MAX);
        self.successors = all
            .map(|index| {
                let mut last = ItemIndex(index);
                let step = |item: ItemIndex| *next.get(usize::try_from(item.0).ok()?)?;
                while let Some(after) = step(last) {
                    last = after;
                }
                last
            })
            .collect();
    }
}

fn aim(row: Row<'_>) -> Result<Aim, String> {
    let shortage: Option<Decimal> = cell::find(row, "shortage_cost", "an amount, as 2140.00")?;
    let idle: Option<Decimal> = cell::find(row, "idle_cost", "an amount, as 1000.00")?;
    let currency: Option<Currency> = cell::find(row, "currency", "its code, as EUR")?;
    match (row.find("service"), shortage, idle, currency) {
        (Some(_), None, None, _) => {
            let level = cell::probability(row, "service")?;
            if 0.0 < level && level < 1.0 {
                Ok(Aim::Service(level))
            } else {
                Err("service has to be above 0 and below 1, as 0.95".to_owned())
            }
        }
        (None, Some(shortage), Some(idle), Some(currency)) => {
            if shortage <= Decimal::ZERO || idle <= Decimal::ZERO {
                return Err("shortage_cost and idle_cost have to be above 0".to_owned());
            }
            Ok(Aim::Costs(Costs { shortage, idle, currency }))
        }
        (Some(_), _, _, _) => Err("both service and costs are given; keep one of them".to_owned()),
        (None, _, _, _) => {
            Err("nothing says how much stock is worth having; fill in service, or shortage_cost, \
             idle_cost and currency"
                .to_owned())
        }
    }
}
