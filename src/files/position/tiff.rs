//! The tables of EXIF (TIFF 6.0): finds the table of the position and overwrites it with nothing, entries and values.

/// The block is no such table, or points out of itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The tags that point to further tables: the position, and EXIF's own.
const GPS: u16 = 0x8825;
const EXIF: u16 = 0x8769;
const MAX_TABLES: usize = 8;
const ENTRY: usize = 12;

struct Block<'a> {
    bytes: &'a mut [u8],
    is_little: bool,
}

impl Block<'_> {
    fn two(&self, at: usize) -> Result<u16, Unreadable> {
        let bytes = self.bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).ok_or(Unreadable)?;
        Ok(if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn four(&self, at: usize) -> Result<usize, Unreadable> {
        let bytes = self.bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).ok_or(Unreadable)?;
        Ok(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) } as usize)
    }

    fn blank(&mut self, at: usize, length: usize) -> Result<(), Unreadable> {
        let end = at.checked_add(length).ok_or(Unreadable)?;
        self.bytes.get_mut(at..end).ok_or(Unreadable)?.fill(0);
        Ok(())
    }

    /// The entries of a table, and where the next table is.
    fn table(&self, at: usize) -> Result<(Vec<usize>, usize), Unreadable> {
        let entries = usize::from(self.two(at)?);
        let first = at + 2;
        let end = first + entries * ENTRY;
        if end > self.bytes.len() {
            return Err(Unreadable);
        }
        // The last table may end with the block.
        let next = self.four(end).unwrap_or(0);
        Ok(((0..entries).map(|number| first + number * ENTRY).collect(), next))
    }

    fn blank_table(&mut self, at: usize) -> Result<(), Unreadable> {
        let (entries, _) = self.table(at)?;
        for entry in &entries {
            let size = match self.two(entry + 2)? {
                3 | 8 => 2,
                4 | 9 | 11 | 13 => 4,
                5 | 10 | 12 => 8,
                _ => 1,
            };
            let length = self.four(entry + 4)?.checked_mul(size).ok_or(Unreadable)?;
            if length > 4 {
                let value = self.four(entry + 8)?;
                self.blank(value, length)?;
            }
        }
        self.blank(at, 2 + entries.len() * ENTRY)
    }
}

/// Whether the block was changed.
pub fn without_position(bytes: &mut [u8]) -> Result<bool, Unreadable> {
    let is_little = match bytes.get(..4) {
        Some(b"II*\0") => true,
        Some(b"MM\0*") => false,
        _ => return Err(Unreadable),
    };
    let mut block = Block { bytes, is_little };
    let (mut open, mut looked, mut changed) = (vec![block.four(4)?], 0, false);
    while let Some(at) = open.pop() {
        looked += 1;
        if looked > MAX_TABLES {
            return Err(Unreadable);
        }
        let (entries, next) = block.table(at)?;
        for entry in entries {
            match block.two(entry)? {
                GPS => {
                    let table = block.four(entry + 8)?;
                    block.blank_table(table)?;
                    changed = true;
                }
                EXIF => open.push(block.four(entry + 8)?),
                _ => {}
            }
        }
        if next != 0 {
            open.push(next);
        }
    }
    Ok(changed)
}
