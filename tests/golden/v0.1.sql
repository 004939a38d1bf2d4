BEGIN TRANSACTION;
CREATE TABLE documents (
        notebook_id TEXT PRIMARY KEY,
        history_id TEXT NOT NULL,
        path TEXT NOT NULL,
        device TEXT,
        inode TEXT,
        digest TEXT,
        empty INTEGER NOT NULL,
        checkpoint_seq INTEGER NOT NULL DEFAULT 0,
        deleted_at TEXT
    );
INSERT INTO "documents" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21','5d41402a-bc4b-4a76-b971-9d911017c592','sales.ipynb','66306','1311','0000000000000000000000000000000000000000000000000000000000000000',0,1,NULL);
CREATE TABLE events (
        notebook_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        name TEXT NOT NULL,
        actor TEXT NOT NULL,
        caused_by TEXT,
        recorded_at TEXT NOT NULL,
        payload TEXT NOT NULL,
        update_bytes BLOB,
        PRIMARY KEY (notebook_id, seq)
    );
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',1,'v1.DocumentUpdated','file',NULL,'2025-11-21T10:00:00.000Z','{"changes":[{"type":"cell_created","cell_id":"c4ca4238","cell_type":"code","index":0},{"type":"cell_deleted","cell_id":"c81e728d","index":1},{"type":"cell_moved","cell_id":"c4ca4238","from_index":1,"index":0},{"type":"cell_type_changed","cell_id":"c4ca4238","cell_type":"markdown"},{"type":"source_changed","cell_id":"c4ca4238","inserted":16,"removed":0},{"type":"outputs_changed","cell_id":"c4ca4238"},{"type":"execution_state_changed","cell_id":"c4ca4238"},{"type":"attachments_changed","cell_id":"c4ca4238"},{"type":"metadata_changed","cell_id":null,"keys":["kernelspec"]},{"type":"text_changed","inserted":1,"removed":2},{"type":"state_changed","keys":["dirty"]}]}',X'01010100040106736F75726365107072696E7428226772C3BCC39F65222900');
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',2,'v1.RuntimeSessionStarted','user:ada','command:1','2025-11-21T10:00:00.000Z','{"runtime_session_id":"s-1","kernel_id":"k-1","kernel_name":"python3","owner":"user:ada","host":"here","fence":1}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',3,'v1.RuntimeStatusChanged','runtime:s-1',NULL,'2025-11-21T10:00:00.000Z','{"runtime_session_id":"s-1","status":"ready","reason":null}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',4,'v1.ExecutionRequested','user:ada','command:2','2025-11-21T10:00:00.000Z','{"execution_id":"e-1","cell_id":"c4ca4238","source":"input(\"name? \")","document_seq":1,"requested_by":"user:ada","stop_on_error":false}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',5,'v1.ExecutionRequested','user:ada','command:2','2025-11-21T10:00:00.000Z','{"execution_id":"e-2","cell_id":"c81e728d","source":"1/0","document_seq":1,"requested_by":"user:ada","stop_on_error":true}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',6,'v1.ExecutionAssigned','runtime:s-1',NULL,'2025-11-21T10:00:00.000Z','{"execution_id":"e-1","runtime_session_id":"s-1","fence":1}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',7,'v1.ExecutionStarted','runtime:s-1',NULL,'2025-11-21T10:00:00.000Z','{"execution_id":"e-1"}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',8,'v1.InputRequested','runtime:s-1',NULL,'2025-11-21T10:00:00.000Z','{"execution_id":"e-1","prompt":"name? ","password":false}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',9,'v1.InputReplied','user:ada','command:3','2025-11-21T10:00:00.000Z','{"execution_id":"e-1"}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',10,'v1.ExecutionCompleted','runtime:s-1',NULL,'2025-11-21T10:00:00.000Z','{"execution_id":"e-1","status":"error","execution_count":1,"error":{"ename":"KeyboardInterrupt","evalue":"","traceback":["line"]}}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',11,'v1.ExecutionCancelled','runtime:s-1',NULL,'2025-11-21T10:00:00.000Z','{"execution_id":"e-2","reason":"an earlier cell failed"}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',12,'v1.OutputsCleared','user:ada','command:4','2025-11-21T10:00:00.000Z','{"cell_ids":["c4ca4238"]}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',13,'v1.RuntimeSessionEnded','runtime:s-1',NULL,'2025-11-21T10:00:00.000Z','{"runtime_session_id":"s-1","reason":"crashed","cause":"killed by signal 9"}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',14,'v1.VersionKept','user:ada',NULL,'2025-11-21T10:00:00.000Z','{"reason":"foreign_history","message":"A tab held it.","content":{"cells":[{"id":"c4ca4238","cell_type":"code","source":"1","metadata":{},"outputs":[],"execution_count":null}],"metadata":{},"nbformat":4,"nbformat_minor":5}}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',15,'v1.RuntimeSessionAdopted','runtime:s-1',NULL,'2025-11-21T10:00:00.000Z','{"runtime_session_id":"s-1","fence":2}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',16,'v1.TurnStarted','user:ada','command:5','2025-11-21T10:00:00.000Z','{"turn_id":"t-1","cell_id":"c4ca4238","prompt":"What is it?","model":"openai/gpt-5","document_seq":1,"requested_by":"user:ada","after":["e-1"]}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',17,'v1.TurnContextGiven','agent:t-1','turn:t-1','2025-11-21T10:00:00.000Z','{"turn_id":"t-1","model":"openai/gpt-5","messages":[{"role":"user","text":"What is it?","cells":["c4ca4238"],"images":[{"cell_id":"c4ca4238","output":0,"mime_type":"image/png","width":640,"height":480}]}],"tools":["run_cells"],"left_out":[{"cell_id":"c4ca4238","what":"outputs"}],"tokens":12,"budget":1000,"tainted":true}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',18,'v1.TurnTextAppended','agent:t-1','turn:t-1','2025-11-21T10:00:00.000Z','{"turn_id":"t-1","text":"I run it. "}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',19,'v1.ToolCallRequested','agent:t-1','turn:t-1','2025-11-21T10:00:00.000Z','{"turn_id":"t-1","call_id":"t-1-1","tool":"run_cells","effect":"execute","arguments":"{\"cell_ids\":[\"c4ca4238\"]}"}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',20,'v1.ApprovalRequested','agent:t-1','turn:t-1','2025-11-21T10:00:00.000Z','{"call_id":"t-1-1","turn_id":"t-1","cell_id":"c4ca4238","tool":"run_cells","effect":"execute","arguments_hash":"0000000000000000000000000000000000000000000000000000000000000000","requested_by":"user:ada","expires_at":"2025-11-21T10:05:00.000Z"}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',21,'v1.ApprovalDecided','user:ada','command:6','2025-11-21T10:00:00.000Z','{"call_id":"t-1-1","turn_id":"t-1","decision":"deny","by":"user:ada","reason":"not now"}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',22,'v1.ToolCallCompleted','agent:t-1','turn:t-1','2025-11-21T10:00:00.000Z','{"turn_id":"t-1","call_id":"t-1-1","status":"denied","result":"The person does not allow that.","tainted":false}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',23,'v1.TurnCompleted','agent:t-1','turn:t-1','2025-11-21T10:00:00.000Z','{"turn_id":"t-1","status":"ok","error":null,"usage":{"input_tokens":12,"output_tokens":3,"cost":0.01},"by":null}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',24,'v1.ApprovalRevoked','user:ada','command:7','2025-11-21T10:00:00.000Z','{"by":"user:ada","tool":"run_cells"}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',25,'v1.TurnUndone','user:ada','undo:t-1','2025-11-21T10:00:00.000Z','{"turn_id":"t-1"}',NULL);
INSERT INTO "events" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21',26,'v1.RuntimeCommandPerformed','user:ada','command:8','2025-11-21T10:00:00.000Z','{"command":"interrupt_runtime"}',NULL);
CREATE TABLE floors (
        notebook_id TEXT PRIMARY KEY,
        first_seq INTEGER NOT NULL
    );
CREATE TABLE leases (
        notebook_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        fence INTEGER NOT NULL,
        holder TEXT,
        info TEXT NOT NULL,
        PRIMARY KEY (notebook_id, kind)
    );
INSERT INTO "leases" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21','documents',1,'golden','{"url": "http://127.0.0.1:8888/"}');
CREATE TABLE snapshots (
        notebook_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        seq INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (notebook_id, kind, seq)
    );
INSERT INTO "snapshots" VALUES('8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21','document',1,X'01010100040106736F75726365107072696E7428226772C3BCC39F65222900');
CREATE INDEX events_by_cause ON events (notebook_id, caused_by, seq)
    WHERE caused_by IS NOT NULL
    ;
CREATE INDEX events_by_name ON events (notebook_id, name, seq)
    WHERE name <> 'v1.DocumentUpdated'
    ;
CREATE UNIQUE INDEX documents_by_path ON documents (path) WHERE deleted_at IS NULL;
CREATE INDEX documents_by_digest ON documents (digest) WHERE deleted_at IS NULL;
COMMIT;
PRAGMA user_version = 1;
