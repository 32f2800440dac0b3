// The words of files in the composer. They come with the inbox.
export const enFiles = {
  "attach.add": "Attach files",
  "attach.list": "Files to send",
  "attach.record": "Record a voice note",
  "attach.recording": "Recording, {time}",
  "attach.recordStop": "Stop and attach",
  "attach.recordCancel": "Throw the recording away",
  "attach.recordDenied": "The browser does not let this page use the microphone. Allow it in the site's settings.",
  "attach.recordUnfit": "This browser records in a form that no channel takes. Attach a recorded file instead.",
  "attach.uploading": "{done} of {size}",
  "attach.waiting": "Waiting for the connection, {done} of {size}",
  "attach.ready": "{size}",
  "attach.failed": "Not taken: {reason}",
  "attach.cancel": "Remove {name}",
  "attach.tooMany": "At most {most} files in one message.",
  "attach.notForNotes": "Files go in messages, not in notes.",
  "attach.drop": "Drop the files to attach them",
} as const;
