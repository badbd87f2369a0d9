//! What stands where, and what is on its way already.

use upturn_core::stock::plan::setting::{Coming, Holding, ItemIndex, PlaceKind};

use super::{Firmed, Loader, cell};
use crate::registry::table::{Row, Table};

pub(super) const STOCK: Table = Table {
    file: "stock.csv",
    required: &["item", "place", "on_hand", "counted_on"],
    optional: &["on_order", "reserved"],
};
const FIRMED: Table = Table {
    file: "firmed.csv",
    required: &["item", "from", "to", "quantity", "ship_on"],
    optional: &[],
};
const COMING: Table =
    Table { file: "coming.csv", required: &["item", "place", "on", "units"], optional: &[] };

impl Loader<'_> {
    pub(super) fn read_coming(&mut self) -> bool {
        self.rows(&COMING, |loader, row| {
            let (item, place) = (loader.item(row)?, loader.place(row, "place")?);
            cell::text(row, "units")?;
            let coming = Coming { on: cell::day(row, "on")?, units: cell::count(row, "units", 0)? };
            let as_of = loader.as_of;
            if coming.on < as_of {
                return Err(format!("on is {}, which has passed; count it or move it", coming.on));
            }
            let draft = loader.draft(item, place);
            if draft.holdings.iter().all(|known| known.item != item) {
                let counted_on = as_of;
                draft.holdings.push(Holding {
                    item,
                    on_hand: 0,
                    on_order: 0,
                    reserved: 0,
                    counted_on,
                });
            }
            draft.coming.push(coming);
            Ok(())
        })
    }

    pub(super) fn read_stock(&mut self) -> bool {
        self.rows(&STOCK, |loader, row| {
            let (item, place) = (loader.item(row)?, loader.place(row, "place")?);
            let holding = match holding(item, row) {
                Ok(holding) => holding,
                Err(reason) => return Err(loader.block(item, place, &reason)),
            };
            let draft = loader.draft(item, place);
            if draft.holdings.iter().any(|known| known.item == item) {
                let reason = "this item and place stand twice; remove one";
                return Err(loader.block(item, place, reason));
            }
            draft.holdings.push(holding);
            Ok(())
        })
    }

    pub(super) fn read_firmed(&mut self) -> bool {
        self.rows(&FIRMED, |loader, row| {
            let item = loader.item(row)?;
            let (from, to) = (loader.place(row, "from")?, loader.place(row, "to")?);
            let firmed = Firmed {
                item: cell::text(row, "item")?.into(),
                from: cell::text(row, "from")?.into(),
                to: cell::text(row, "to")?.into(),
                quantity: cell::count(row, "quantity", 0)?,
                ship_on: cell::day(row, "ship_on")?,
            };
            let as_of = loader.as_of;
            let empty = Holding { item, on_hand: 0, on_order: 0, reserved: 0, counted_on: as_of };
            let draft = loader.draft(item, to);
            let known = draft.holdings.iter().position(|known| known.item == item);
            if known.is_none() {
                draft.holdings.push(empty);
            }
            for holding in draft.holdings.iter_mut().filter(|known| known.item == item) {
                holding.on_order = holding.on_order.saturating_add(firmed.quantity);
            }
            let place = usize::try_from(from.0).ok();
            let place = place.and_then(|place| loader.setting.places.get(place));
            if place.is_some_and(|place| place.kind == PlaceKind::Site) {
                let draft = loader.draft(item, from);
                for holding in draft.holdings.iter_mut().filter(|known| known.item == item) {
                    holding.reserved = holding.reserved.saturating_add(firmed.quantity);
                }
            }
            loader.firmed.push(firmed);
            Ok(())
        })
    }
}

fn holding(item: ItemIndex, row: Row<'_>) -> Result<Holding, String> {
    cell::text(row, "on_hand")?;
    Ok(Holding {
        item,
        on_hand: cell::count(row, "on_hand", 0)?,
        on_order: cell::count(row, "on_order", 0)?,
        reserved: cell::count(row, "reserved", 0)?,
        counted_on: cell::day(row, "counted_on")?,
    })
}
