//! The order of keys in the objects whose order is not that of their columns.

use super::super::varint;
use std::collections::HashMap;

/// Keys of the widest object whose order is kept.
const KEYS_MAX: usize = 1 << 16;

/// For an object, by its number in the text: where in the row stands what was first, second, …
pub(super) type Orders = HashMap<usize, Vec<usize>>;

/// The orders as bytes.
pub(super) fn write(mut orders: Vec<(usize, Vec<usize>)>) -> Vec<u8> {
    orders.sort_unstable_by_key(|(object, _)| *object);
    let mut out = Vec::new();
    let mut last = 0;
    for (object, order) in orders {
        varint::put(object - last, &mut out);
        last = object;
        varint::put(order.len(), &mut out);
        for place in order {
            varint::put(place, &mut out);
        }
    }
    out
}

/// The orders from their bytes.
pub(super) fn read(mut bytes: &[u8]) -> Option<Orders> {
    let mut orders = Orders::new();
    let mut object = 0usize;
    while !bytes.is_empty() {
        object = object.checked_add(varint::take(&mut bytes)?)?;
        let count = varint::take(&mut bytes)?;
        if count > KEYS_MAX {
            return None;
        }
        let order = (0..count)
            .map(|_| varint::take(&mut bytes))
            .collect::<Option<_>>()?;
        orders.insert(object, order);
    }
    Some(orders)
}

/// Puts what stands in the order of a row back in its own.
pub(super) fn apply<T: Clone>(row: &[T], order: &[usize]) -> Option<Vec<T>> {
    if row.len() != order.len() {
        return None;
    }
    order.iter().map(|place| row.get(*place).cloned()).collect()
}
