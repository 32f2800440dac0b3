//! WhatsApp Cloud, Messenger and Instagram (by Instagram Login and by a page), from a customer's first word to the end of
//! the channel, by the app's address. What is alike is one test for all of them.

mod by_hand;
mod cases;
mod coexist;
mod fail;
mod route;
mod sign_in;
mod stage;
mod talk;
