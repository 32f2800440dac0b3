// The ids of what keys and buttons put the focus on.
export const composerId = "composer";
export const searchId = "search";
