"""Where pictures and their labels come from: folders, tables, frames, lists of files, and arrays in memory."""
