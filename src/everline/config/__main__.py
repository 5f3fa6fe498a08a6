from everline.config.cli import main

raise SystemExit(main())
