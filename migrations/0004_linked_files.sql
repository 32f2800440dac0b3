-- Files that were sent by their address have no bytes here.
update attachments set state = 'linked' where state = 'ready' and path is null;
