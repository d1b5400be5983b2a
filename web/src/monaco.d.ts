// Has no types, and nothing of it is used but that it is there.
declare module "monaco-editor/editor/contrib/suggest/browser/suggestController";
