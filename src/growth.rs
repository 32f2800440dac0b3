//! Where customers come from: tracked links and their visits, what led a contact to a conversation, and leads of landing
//! pages. It knows nothing of money and counts nothing but visits and chats of links.

pub mod lead;
mod lead_match;
pub mod lead_source;
pub mod link;
pub mod qr;
pub mod reference;
pub mod source_name;
pub mod target;
pub mod touch;
pub mod utm;
pub mod visit;
pub mod visitor;
